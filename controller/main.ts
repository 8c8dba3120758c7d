import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { systemClock as clock } from '../common/clock.ts'
import { tellCertificate } from '../common/http/certificate.ts'
import { startOperations } from '../common/http/operations.ts'
import type { RunningServer } from '../common/http/server.ts'
import { connect } from '../common/kube/connect.ts'
import { createEventRecorder } from '../common/kube/events.ts'
import { holdLease } from '../common/kube/lease.ts'
import { createMetrics } from '../common/metrics.ts'
import { type ProgramContext, runProgram } from '../common/program.ts'
import { followCredentials } from './credentials.ts'
import type { ControllerDeps } from './deps.ts'
import { liveProblem, readyProblem } from './health.ts'
import { authenticateAgents } from './ingest/auth.ts'
import { countAgents, forgetDeparted } from './ingest/forget.ts'
import { knownNode, mayBeThere } from './ingest/known.ts'
import { startIngest } from './ingest/server.ts'
import { createUsageStore } from './ingest/store.ts'
import { lead } from './loop.ts'
import { controllerMetrics } from './metrics.ts'
import { startCaches } from './observe/caches.ts'
import { createOffers } from './observe/offers.ts'
import { type ControllerOptions, controllerOptions, controllerRelations } from './options.ts'
import { servePage } from './page/serve.ts'
import { createProgress } from './progress.ts'
import { createRecords } from './record/records.ts'
import { createVPSieClient } from './vpsie/client.ts'
import { createWake, wakeOnChanges } from './wake.ts'

const stopLimits = { lameDuckMs: 0, graceMs: 5_000 }

/** The controller: every replica takes reports and keeps its caches warm, one of them leads. */
await runProgram({
  name: 'controller',
  summary: 'adds and removes the nodes of NodeGroups.',
  options: controllerOptions,
  relations: controllerRelations,
  main: run,
})

async function run(
  options: ControllerOptions,
  { log, registry }: ProgramContext,
  signal: AbortSignal,
): Promise<void> {
  const identity = `${options['pod-name'] || hostname()}_${randomUUID()}`
  const metrics = createMetrics(registry, controllerMetrics)
  // What must outlive the stop signal for a moment, such as the undo of a removal, ends with this one.
  const background = new AbortController()
  const client = connect({ clock }, { kubeconfig: options.kubeconfig })
  const events = createEventRecorder(
    { client, clock, log, metrics },
    { component: 'vpsie-autoscaler', instance: identity },
    background.signal,
  )
  const secret = { namespace: options['vpsie-secret-namespace'], name: options['vpsie-secret-name'] }
  const credentials = followCredentials({ client, clock, log }, secret, background.signal)
  const provider = createVPSieClient({ log, clock, metrics }, options, credentials.current)
  const deps: ControllerDeps = {
    client,
    provider,
    caches: startCaches({ client, clock, log }, background.signal),
    offers: createOffers({ provider, clock, log }, options['offers-refresh-interval']),
    usage: createUsageStore({ clock }, usageOptions(options)),
    events,
    metrics,
    log,
    clock,
    options,
    random: Math.random,
    progress: createProgress(),
    records: createRecords(),
    wakeDecision: createWake(clock),
    wakeMachines: createWake(clock),
  }
  wakeOnChanges(deps)
  countAgents(deps)
  credentials.onChange(() => deps.wakeMachines.fire())

  let ingest: RunningServer | undefined
  const shown = {
    identity,
    certificateEnds: () => ingest?.certificate?.pair.notAfter,
    breaker: () => provider.breakerState,
  }
  const servers = await startOperations(
    { log, clock, registry },
    {
      addresses: [options['metrics-addr'], options['health-addr']],
      ready: () => readyProblem(deps.caches, ingest, clock.now()),
      live: () => liveProblem(deps.progress, options, clock.monotonic()),
    },
    signal,
  )
  try {
    await together(signal, [
      async (signal) => {
        ingest = await serveIngest(deps, signal)
        servers.push(ingest)
      },
      async (signal) => {
        const page = await servePage(deps, shown, signal)
        if (page) servers.push(page)
      },
      (signal) => forgetDeparted(deps, signal),
      (signal) => takePart(deps, identity, signal),
    ])
  } finally {
    await Promise.all(servers.map((server) => server.stop(stopLimits)))
    await events.stop()
    background.abort()
    provider.close()
  }
}

/** Runs all parts to their end; the first that fails stops the others, which may wind down before it is told. */
async function together(
  signal: AbortSignal,
  parts: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const running = parts.map((part) =>
    part(both).catch((error: unknown) => {
      stop.abort(error)
      throw error
    }),
  )
  const failed = (await Promise.allSettled(running)).find((outcome) => outcome.status === 'rejected')
  if (failed) throw failed.reason
}

/** Leads whenever the lease can be had. */
async function takePart(deps: ControllerDeps, identity: string, signal: AbortSignal): Promise<void> {
  const { options, metrics, progress } = deps
  const whileHeld = async (held: AbortSignal) => {
    metrics.leader.set(1)
    try {
      await lead(deps, held)
    } finally {
      metrics.leader.set(0)
      progress.ended()
    }
  }
  if (!options['leader-election']) return whileHeld(signal)
  const lease = {
    namespace: options['leader-election-namespace'],
    name: options['leader-election-id'],
    identity,
    leaseDurationMs: options['lease-duration'],
    renewDeadlineMs: options['renew-deadline'],
    retryPeriodMs: options['retry-period'],
  }
  await holdLease(deps, lease, whileHeld, signal)
}

async function serveIngest(deps: ControllerDeps, signal: AbortSignal): Promise<RunningServer> {
  const { client, clock, log, metrics, options, caches, usage } = deps
  const namespace = options['agent-namespace']
  const authenticate = authenticateAgents(
    { client, clock, log, metrics, hasPod: ({ name, uid }) => mayBeThere(caches, { namespace, name, uid }) },
    {
      namespace,
      serviceAccount: options['agent-service-account'],
      maxTokens: 2 * options['ingest-max-nodes'],
    },
  )
  const server = await startIngest(
    { log, clock, metrics, usage, authenticate, nodeOf: (name) => knownNode(caches, name) },
    {
      address: options['ingest-addr'],
      certFile: options['ingest-cert-file'],
      keyFile: options['ingest-key-file'],
      pollMs: options['cert-poll-interval'],
      reportIntervalMs: options['report-interval'],
      maxNodes: options['ingest-max-nodes'],
    },
    signal,
  )
  tellCertificate(server.certificate, {
    notAfter: metrics.ingest_tls_certificate_not_after_seconds,
    reloads: metrics.ingest_tls_reloads_total,
  })
  return server
}

function usageOptions(options: ControllerOptions) {
  return {
    reportIntervalMs: options['report-interval'],
    forgetAfterMs: options['forget-after'],
    maxNodes: options['ingest-max-nodes'],
  }
}
