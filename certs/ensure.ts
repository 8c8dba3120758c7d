import type { Clock } from '../common/clock.ts'
import { hasCode } from '../common/errors.ts'
import type { KubeClient } from '../common/kube/client.ts'
import type { KubeObject } from '../common/kube/objects.ts'
import { type Resource, resources } from '../common/kube/resources.ts'
import type { Logger } from '../common/log.ts'
import { authoritySecret, leafSecrets, trustConfigMap } from './names.ts'
import { alwaysThere, readTargets } from './targets.ts'

interface Deps {
  client: KubeClient
  log: Logger
}

/**
 * Makes the Secrets and the ConfigMap that do not exist, empty. The manifests bring them, so that the job needs no
 * right to create; without manifests it makes them itself. Two runs at once are harmless: the later one finds them.
 */
export async function ensureObjects(deps: Deps, namespace: string, signal: AbortSignal): Promise<void> {
  for (const name of [authoritySecret, leafSecrets.webhook, leafSecrets.ingest]) {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'Opaque' }
    await ensure(deps, resources.secrets, secret, signal)
  }
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: trustConfigMap, namespace } }
  await ensure(deps, resources.configMaps, configMap, signal)
}

// The objects of one `kubectl apply` are there within seconds; what comes later is published by the CronJob.
const targetsMs = 60_000
const pollMs = 1_000

/** Waits a while for the webhook configurations and the ConfigMap, in whatever order the manifests arrive. */
export async function untilTargetsExist(
  { client, clock, log }: Deps & { clock: Clock },
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  const end = clock.now() + targetsMs
  for (;;) {
    const found = (await readTargets({ client }, namespace, signal)).map(({ name }) => name)
    const missing = alwaysThere.filter((name) => !found.includes(name))
    if (missing.length === 0) return
    if (clock.now() >= end) {
      log.warn('not there yet; a later run publishes to them', { missing })
      return
    }
    await clock.sleep(pollMs, signal)
  }
}

async function ensure<T extends KubeObject>(
  { client, log }: Deps,
  resource: Resource<T>,
  object: T,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.get(resource, object.metadata, signal)
    return
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error
  }
  try {
    await client.create(resource, object, signal)
    log.info('object created', { kind: resource.kind, name: object.metadata.name })
  } catch (error) {
    if (!hasCode(error, 'AlreadyExists')) throw error
  }
}
