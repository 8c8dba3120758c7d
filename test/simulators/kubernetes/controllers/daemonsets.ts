import type { DaemonSet, Node, Pod, Toleration } from '../../../../common/kube/objects.ts'
import { isOwned, isPodReady, ownerOf, setStatus } from './deployments.ts'
import { matchesNodeSelection, toleratesAll } from './placement.ts'
import { type ControllerDeps, reconcileOnChange } from './reconciler.ts'

/** What the real controller adds to every pod of a DaemonSet (kubernetes.io, DaemonSet, taints and tolerations). */
const added: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
]

/** Keeps one pod of each DaemonSet on every node it is for. */
export function startDaemonSets(deps: ControllerDeps, signal: AbortSignal): void {
  const { store } = deps
  reconcileOnChange(
    deps,
    ['daemonsets', 'nodes', 'pods'],
    () => {
      for (const daemonSet of store.list<DaemonSet>('daemonsets')) reconcile(deps, daemonSet)
      return undefined
    },
    signal,
  )
}

function reconcile({ store }: ControllerDeps, daemonSet: DaemonSet): void {
  const { namespace, name } = daemonSet.metadata
  const { template } = daemonSet.spec
  const tolerations = [...(template.spec.tolerations ?? []), ...added]
  const own = store.list<Pod>('pods', { namespace }).filter((pod) => isOwned(pod, daemonSet))
  const nodes = store
    .list<Node>('nodes')
    .filter(
      (node) =>
        matchesNodeSelection(template.spec, node) && toleratesAll(node.spec?.taints ?? [], tolerations),
    )
  for (const node of nodes) {
    if (own.some((pod) => nodeOf(pod) === node.metadata.name)) continue
    store.create<Pod>('pods', {
      metadata: {
        generateName: `${name}-`,
        name: '',
        namespace: namespace ?? '',
        labels: template.metadata?.labels ?? {},
        ownerReferences: [ownerOf(daemonSet)],
      },
      // The real one goes through the scheduler by an affinity to the node's name; the outcome is the same.
      spec: { priority: 0, ...template.spec, tolerations, nodeName: node.metadata.name },
      status: { phase: 'Pending' },
    })
  }
  const wanted = new Set(nodes.map(({ metadata }) => metadata.name))
  const live = own.filter(({ metadata }) => !metadata.deletionTimestamp)
  for (const pod of live) if (!wanted.has(nodeOf(pod) ?? '')) store.delete('pods', pod.metadata)
  setStatus({ store }, 'daemonsets', daemonSet, {
    desiredNumberScheduled: nodes.length,
    currentNumberScheduled: live.length,
    updatedNumberScheduled: live.length,
    numberReady: live.filter(isPodReady).length,
    numberAvailable: live.filter(isPodReady).length,
    observedGeneration: daemonSet.metadata.generation,
  })
}

const nodeOf = ({ spec }: Pod) => spec.nodeName
