import type { Test } from 'tap'
import { systemClock as clock } from '../../../common/clock.ts'
import { startServer } from '../../../common/http/server.ts'
import { createMetrics, Registry } from '../../../common/metrics.ts'
import { kustomize } from '../../../manifests/kustomize.ts'
import { webhookMetrics } from '../../../webhook/metrics.ts'
import type { ReviewDeps } from '../../../webhook/paths.ts'
import { createApp } from '../../../webhook/server.ts'
import { controllerAccount } from '../../fixtures/admission-cases.ts'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { captureLog } from '../../fixtures/log.ts'
import type { RealFloor } from '../../floors/real.ts'
import { kubectlOutput } from '../kubectl.ts'

const name = 'vpsie-autoscaler-webhook'
const namespace = 'kube-system'

/**
 * The webhook behind the Service of the manifests, with what surrounds the object under review given by `around`
 * instead of by watch caches. Nobody asks it before `register`.
 */
export async function startWebhook(t: Test, floor: RealFloor, around: () => ReviewDeps) {
  const life = new AbortController()
  const { log } = captureLog()
  const certificates = await makeCertificates([`${name}.${namespace}.svc`])
  const app = createApp({
    log,
    clock,
    metrics: createMetrics(new Registry(), webhookMetrics),
    controller: controllerAccount,
    maxConcurrent: 64,
    get namespaces() {
      return around().namespaces
    },
    surroundings: {
      nodeGroups: () => around().surroundings.nodeGroups(),
      vpsieNodes: () => around().surroundings.vpsieNodes(),
      autoscalerConfig: () => around().surroundings.autoscalerConfig(),
      configMap: (key) => around().surroundings.configMap(key),
    },
  })
  const tls = { certFile: certificates.certFile, keyFile: certificates.keyFile }
  const server = await startServer(
    { log, clock },
    { name: 'webhook', address: '127.0.0.1:0', handler: app, tls },
    life.signal,
  )
  const service = kustomize('base').find(({ kind, metadata }) => kind === 'Service' && metadata.name === name)
  await kubectlOutput(floor, ['apply', '-f', '-'], { stdin: JSON.stringify(service) })
  await floor.route({ namespace, name, port: 443 }, `127.0.0.1:${server.port}`)
  t.teardown(async () => {
    life.abort()
    await server.stop({ lameDuckMs: 0, graceMs: 100 })
    await certificates.remove()
  })
  return {
    /** Applies the configurations of the manifests, with our authority. */
    async register() {
      for (const configuration of kustomize('base').filter(({ kind = '' }) =>
        kind.endsWith('WebhookConfiguration'),
      )) {
        const { webhooks } = configuration as unknown as {
          webhooks: { clientConfig: { caBundle?: string } }[]
        }
        for (const { clientConfig } of webhooks)
          clientConfig.caBundle = Buffer.from(certificates.ca).toString('base64')
        await kubectlOutput(floor, ['apply', '-f', '-'], { stdin: JSON.stringify(configuration) })
      }
    },
    /** Nobody is behind the Service from now on. */
    goAway: () => server.stop({ lameDuckMs: 0, graceMs: 100 }),
  }
}
