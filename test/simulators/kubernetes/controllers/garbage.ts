import type { KubeObject, Pod } from '../../../../common/kube/objects.ts'
import { type ControllerDeps, reconcileOnChange } from './reconciler.ts'

const collected = ['replicasets', 'pods'] as const

/** Removes what has lost its owner, and pods of nodes that do not exist any more. */
export function startGarbageCollection(deps: ControllerDeps, signal: AbortSignal): void {
  const { store } = deps
  reconcileOnChange(
    deps,
    ['deployments', 'daemonsets', 'nodes', ...collected],
    () => {
      for (const plural of collected) {
        for (const object of store.list(plural))
          if (isOrphan(deps, object)) store.delete(plural, object.metadata)
      }
      const nodes = new Set(store.list('nodes').map(({ metadata }) => metadata.name))
      for (const { metadata, spec } of store.list<Pod>('pods')) {
        if (spec.nodeName && !nodes.has(spec.nodeName))
          store.delete('pods', metadata, { gracePeriodSeconds: 0 })
      }
      return undefined
    },
    signal,
  )
}

function isOrphan({ store }: ControllerDeps, { metadata }: KubeObject): boolean {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller)
  if (!owner || metadata.deletionTimestamp) return false
  const kind = store.kinds.ofObject(owner.apiVersion, owner.kind)
  if (!kind) return false
  return (
    store.find(kind.plural, { name: owner.name, namespace: metadata.namespace })?.metadata.uid !== owner.uid
  )
}
