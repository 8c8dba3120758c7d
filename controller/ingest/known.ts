import { parseQuantity } from '../../common/quantity.ts'
import type { Caches } from '../observe/caches.ts'
import type { KnownNode } from './take.ts'

/** What the watch cache has of a Node that concerns its agent's reports; undefined for one it does not have. */
export function knownNode({ nodes }: Pick<Caches, 'nodes'>, name: string): KnownNode | undefined {
  const node = nodes.get(name)
  if (!node) return undefined
  const { uid } = node.metadata
  const memory = node.status?.capacity?.memory
  return {
    ...(uid !== undefined && { uid }),
    ...(memory !== undefined && { memoryBytes: parseQuantity(memory, 'status.capacity.memory') }),
  }
}

/** False if a pod is known to be gone, or to be another one by now; while pods are not known, none is. */
export function mayBeThere(
  { pods }: Pick<Caches, 'pods'>,
  { namespace, name, uid }: { namespace: string; name: string; uid: string },
): boolean {
  return !pods.synced || pods.get(`${namespace}/${name}`)?.metadata.uid === uid
}
