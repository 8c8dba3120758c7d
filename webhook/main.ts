import { systemClock as clock } from '../common/clock.ts'
import { tellCertificate } from '../common/http/certificate.ts'
import { startOperations } from '../common/http/operations.ts'
import { type RunningServer, startServer } from '../common/http/server.ts'
import { connect } from '../common/kube/connect.ts'
import { createMetrics } from '../common/metrics.ts'
import { type ProgramContext, runProgram } from '../common/program.ts'
import { watchSurroundings } from './caches.ts'
import { webhookMetrics } from './metrics.ts'
import { type WebhookOptions, webhookOptions, webhookRelations } from './options.ts'
import { createApp } from './server.ts'
import { servingProblem } from './serving.ts'

// Within the pod's grace of 45 s.
const graceMs = 35_000

/** The webhook: keeps NodeGroups, VPSieNodes and the AutoscalerConfig correct, and labels Nodes as they register. */
await runProgram({
  name: 'webhook',
  summary: 'answers admission reviews of the API server.',
  options: webhookOptions,
  relations: webhookRelations,
  main: run,
})

async function run(
  options: WebhookOptions,
  { log, registry }: ProgramContext,
  signal: AbortSignal,
): Promise<void> {
  const metrics = createMetrics(registry, webhookMetrics)
  // Lives on through the lame-duck time: reviews are answered, from fresh caches, until the listener is closed.
  const life = new AbortController()
  const client = connect({ clock }, { kubeconfig: options.kubeconfig })
  const surroundings = watchSurroundings({ client, clock, log }, options.namespaces, life.signal)
  let server: RunningServer | undefined
  const pages = await startOperations(
    { log, clock, registry },
    {
      addresses: [options['health-addr']],
      ready: () => (signal.aborted ? 'stopping' : servingProblem({ clock }, server)),
      live: () => undefined,
    },
    signal,
  )
  const app = createApp({
    log,
    clock,
    metrics,
    surroundings,
    namespaces: options.namespaces,
    controller: options['controller-service-account'],
    maxConcurrent: options['max-concurrent-reviews'],
  })
  const tls = {
    certFile: options['cert-file'],
    keyFile: options['key-file'],
    pollMs: options['cert-poll-interval'],
    minVersion: options['tls-min-version'] === '1.2' ? ('TLSv1.2' as const) : ('TLSv1.3' as const),
  }
  try {
    server = await startServer(
      { log, clock },
      { name: 'webhook', address: options.address, handler: app, tls },
      signal,
    )
    tellCertificate(server.certificate, {
      notAfter: metrics.webhook_tls_certificate_not_after_seconds,
      reloads: metrics.webhook_tls_reloads_total,
    })
    await aborted(signal)
  } finally {
    await server?.stop({ lameDuckMs: options['lame-duck'], graceMs: Math.max(graceMs, options['lame-duck']) })
    life.abort()
    await Promise.all(pages.map((page) => page.stop({ lameDuckMs: 0, graceMs: 1000 })))
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
