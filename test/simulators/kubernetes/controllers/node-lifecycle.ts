import { fromTimestamp, toTimestamp } from '../../../../common/clock.ts'
import type { Lease, Node } from '../../../../common/kube/objects.ts'
import { isNodeReady } from '../../fleet/kubelets.ts'
import { type ControllerDeps, reconcileOnChange } from './reconciler.ts'

const taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' as const }

/** Marks a node Unknown and unreachable whose kubelet has not renewed its lease for `graceMs`. */
export function startNodeLifecycle(
  deps: ControllerDeps,
  { graceMs = 40_000 }: { graceMs?: number },
  signal: AbortSignal,
): void {
  const { store, clock } = deps
  reconcileOnChange(
    deps,
    ['nodes'],
    () => {
      for (const node of store.list<Node>('nodes')) {
        const { name } = node.metadata
        const lease = store.find<Lease>('leases', { namespace: 'kube-node-lease', name })
        const renewed =
          fromTimestamp(lease?.spec?.renewTime) ?? fromTimestamp(node.metadata.creationTimestamp) ?? 0
        if (isNodeReady(node) && clock.now() - renewed > graceMs) markUnreachable(deps, node)
      }
      return Math.max(100, graceMs / 4)
    },
    signal,
  )
}

function markUnreachable({ store, clock }: ControllerDeps, { metadata, spec, status }: Node): void {
  const lastTransitionTime = toTimestamp(clock.now())
  const unknown = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', lastTransitionTime }
  const others = status?.conditions?.filter(({ type }) => type !== 'Ready') ?? []
  store.patch<Node>('nodes', metadata, {
    spec: { taints: [...(spec?.taints ?? []), taint] },
    status: { conditions: [...others, unknown] },
  })
}
