import type { Pod } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import type { ClusterState } from '../decide/state.ts'
import type { ControllerDeps } from '../deps.ts'
import { labelsOfGroup } from '../metrics.ts'
import type { Change, DecisionRecord } from '../record/records.ts'

type ChangeDeps = Pick<ControllerDeps, 'events' | 'metrics' | 'log'>

/** Tells of all that a decision changed: in the log, in events of the pods, and in counters. */
export function tellChanges(deps: ChangeDeps, state: ClusterState, { changes }: DecisionRecord): void {
  const waiting = state.pods.filter(({ spec }) => !spec.nodeName)
  const pods = new Map(waiting.map((pod) => [keyOf(pod), pod]))
  for (const change of changes) {
    const pod = change.kind === 'pod' ? pods.get(change.name) : undefined
    if (pod) tellPod(deps, pod, change)
    else if (change.kind === 'node') tellNode(deps, change)
    else
      deps.log.info('group decided', { nodeGroup: change.name, nodes: change.verdict, reasons: all(change) })
  }
}

function all({ reasons }: Change): string {
  return reasons.map(({ code, message }) => `${code}: ${message}`).join('; ')
}

// The reasons of the events are Cluster Autoscaler's, because people and alerts look for them.
function tellPod({ events, metrics, log }: ChangeDeps, pod: Pod, change: Change): void {
  const { name, verdict, nodeGroup, offering, reasons } = change
  const [first] = reasons
  log.info('pod decided', { pod: name, verdict, nodeGroup, offering, reasons: all(change) })
  if (verdict === 'scaleUp') {
    events.record(
      pod,
      'Normal',
      'TriggeredScaleUp',
      first?.message ?? `a node of size ${offering} is added to NodeGroup ${nodeGroup}`,
    )
  } else if (verdict === 'unschedulable') {
    events.record(pod, 'Normal', 'NotTriggerScaleUp', `No node is added: ${all(change)}`)
    metrics.unschedulable_pods_total.inc({
      constraint: first?.code ?? 'NoGroupFits',
      namespace: pod.metadata.namespace ?? '',
    })
  }
}

function tellNode({ metrics, log }: ChangeDeps, { name, verdict, nodeGroup = '', reasons }: Change): void {
  const [first] = reasons
  log.info('node decided', { node: name, verdict, reason: first?.code, detail: first?.message })
  if (verdict === 'keep' && first)
    metrics.scale_down_blocked_total.inc({ ...labelsOfGroup(nodeGroup), reason: first.code })
}
