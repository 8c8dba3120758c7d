import type { Pod } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import type { NodeDecision, Plan, PodDecision } from '../decide/plan.ts'
import type { ClusterState } from '../decide/state.ts'
import type { ControllerDeps } from '../deps.ts'

type ChangeDeps = Pick<ControllerDeps, 'events' | 'metrics' | 'log'>

/** Tells what has changed from one plan to the next, and nothing twice. */
export interface Changes {
  report(state: ClusterState, plan: Plan): void
}

/**
 * Makes the memory of the last plan's verdicts: one short text for each pod that waits and each node of a group.
 * It is replaced as a whole with every plan, so it cannot outgrow the cluster.
 */
export function createChanges(deps: ChangeDeps): Changes {
  let before = new Map<string, string>()

  return {
    report(state, plan) {
      const now = new Map<string, string>()
      const pods = new Map(state.pods.flatMap((pod) => (pod.spec.nodeName ? [] : [[keyOf(pod), pod]])))
      for (const decision of plan.pods) {
        const pod = pods.get(decision.pod)
        if (!pod) continue
        const key = `pod/${pod.metadata.uid}`
        now.set(key, textOf(decision))
        if (before.get(key) !== now.get(key)) tellPod(deps, pod, decision)
      }
      for (const decision of plan.nodes) {
        if (decision.nodeGroup === undefined) continue
        const key = `node/${decision.node}`
        now.set(key, `${decision.verdict} ${decision.reasons[0]?.code ?? ''}`)
        if (before.get(key) !== now.get(key)) tellNode(deps, decision, decision.nodeGroup)
      }
      before = now
    },
  }
}

function textOf({ verdict, nodeGroup, offering, reasons }: PodDecision): string {
  return [verdict, nodeGroup, offering, ...reasons.map(({ code, object }) => `${code}@${object ?? ''}`)].join(
    ' ',
  )
}

// The reasons of the events are Cluster Autoscaler's, because people and alerts look for them.
function tellPod({ events, metrics, log }: ChangeDeps, pod: Pod, decision: PodDecision): void {
  const { verdict, nodeGroup, offering, reasons } = decision
  const sentence = reasons.map(({ code, message }) => `${code}: ${message}`).join('; ')
  const [first] = reasons
  log.info('pod decided', { pod: decision.pod, verdict, nodeGroup, offering, reasons: sentence })
  if (verdict === 'scaleUp') {
    events.record(
      pod,
      'Normal',
      'TriggeredScaleUp',
      first?.message ?? `a node of size ${offering} is added to NodeGroup ${nodeGroup}`,
    )
  } else if (verdict === 'unschedulable') {
    events.record(pod, 'Normal', 'NotTriggerScaleUp', `No node is added: ${sentence}`)
    metrics.unschedulable_pods_total.inc({
      constraint: reasons[0]?.code ?? 'NoGroupFits',
      namespace: pod.metadata.namespace ?? '',
    })
  }
}

function tellNode({ metrics, log }: ChangeDeps, decision: NodeDecision, nodeGroup: string): void {
  const [first] = decision.reasons
  const [namespace = '', nodegroup = ''] = nodeGroup.split('/')
  log.info('node decided', {
    node: decision.node,
    verdict: decision.verdict,
    reason: first?.code,
    detail: first?.message,
  })
  if (decision.verdict === 'keep' && first)
    metrics.scale_down_blocked_total.inc({ nodegroup, namespace, reason: first.code })
}
