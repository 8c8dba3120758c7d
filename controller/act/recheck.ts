import { taints } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { fromTimestamp } from '../../common/clock.ts'
import type { Node } from '../../common/kube/objects.ts'
import { decide } from '../decide/decide.ts'
import type { NodeDecision } from '../decide/plan.ts'
import type { ClusterState } from '../decide/state.ts'
import type { ControllerDeps } from '../deps.ts'
import { listPodsOf } from '../nodes/drain.ts'
import { observe } from '../observe/state.ts'
import { trimNode, trimPod } from '../observe/trim.ts'

/**
 * Decides about one node again, now that its taint keeps new pods away: its pods come from the API server instead
 * of the cache, and the node is looked at as if it were not tainted yet. Cooldowns that other removals of the same plan
 * have begun since `begunAt` (ms since the epoch) do not count: they were decided together. Undefined if the node is
 * unknown.
 */
export async function lookAgain(
  deps: ControllerDeps,
  node: Node,
  begunAt: number,
  signal: AbortSignal,
): Promise<NodeDecision | undefined> {
  const name = node.metadata.name
  const pods = (await listPodsOf(deps.client, name, signal)).map(trimPod)
  const state = observe(deps)
  const now: ClusterState = {
    ...state,
    nodeGroups: state.nodeGroups.map((nodeGroup) => withoutCooldownSince(nodeGroup, begunAt)),
    nodes: [...state.nodes.filter(({ metadata }) => metadata.name !== name), trimNode(withoutOurTaint(node))],
    pods: [...state.pods.filter(({ spec }) => spec.nodeName !== name), ...pods],
  }
  return decide(now, deps.options, deps.clock.now()).nodes.find((decision) => decision.node === name)
}

function withoutOurTaint(node: Node): Node {
  const others = node.spec?.taints?.filter(({ key }) => key !== taints.disrupted) ?? []
  return { ...node, spec: { ...node.spec, taints: others } }
}

function withoutCooldownSince(nodeGroup: NodeGroup, begunAt: number): NodeGroup {
  const { lastScaleTime, lastScaleDownTime, ...status } = nodeGroup.status ?? {}
  // Timestamps are whole seconds.
  const isOld = (text: string | undefined) => (fromTimestamp(text) ?? 0) < begunAt - 1000
  return {
    ...nodeGroup,
    status: {
      ...status,
      ...(lastScaleTime && isOld(lastScaleTime) ? { lastScaleTime } : {}),
      ...(lastScaleDownTime && isOld(lastScaleDownTime) ? { lastScaleDownTime } : {}),
    },
  }
}
