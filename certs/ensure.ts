import { hasCode } from '../common/errors.ts'
import type { KubeClient } from '../common/kube/client.ts'
import type { KubeObject } from '../common/kube/objects.ts'
import { type Resource, resources } from '../common/kube/resources.ts'
import type { Logger } from '../common/log.ts'
import { authoritySecret, leafSecrets, trustConfigMap } from './names.ts'

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
