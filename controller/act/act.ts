import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { nodesOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { codeOf, errorText, hasCode } from '../../common/errors.ts'
import type { Node } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import type { Action, NodeDecision, Plan } from '../decide/plan.ts'
import type { ClusterState } from '../decide/state.ts'
import type { ControllerDeps } from '../deps.ts'
import { labelsOfGroup } from '../metrics.ts'
import { isDisrupted } from '../nodes/join.ts'
import { guardNodeGroup } from '../nodes/nodegroup-end.ts'
import { grow } from './grow.ts'
import type { Removals } from './removals.ts'
import { removeDeadNode, removeNode, removeUnregistered } from './remove.ts'
import { writeTimers } from './timers.ts'

/**
 * Carries out a plan. NodeGroups are independent of each other: what fails for one is logged and counted, and the
 * others go on. Removals are begun, not awaited.
 */
export async function act(
  deps: ControllerDeps,
  removals: Removals,
  state: ClusterState,
  plan: Plan,
  signal: AbortSignal,
): Promise<void> {
  for (const nodeGroup of state.nodeGroups) {
    await isolated(deps, nodeGroup, signal, async () => {
      await guardNodeGroup(deps, nodeGroup, state.vpsieNodes, signal)
      await growGroup(deps, nodeGroup, plan, signal)
    })
  }
  const claims = claimsByNode(state)
  beginRemovals(deps, removals, state, plan, claims, signal)
  await writeTimers(deps, plan.nodes, signal)
}

async function growGroup(
  deps: ControllerDeps,
  nodeGroup: NodeGroup,
  plan: Plan,
  signal: AbortSignal,
): Promise<void> {
  const key = keyOf(nodeGroup)
  const adds = plan.actions.filter(({ type, nodeGroup: of }) => of === key && type !== 'remove')
  const target = plan.groups.find((group) => group.nodeGroup === key)?.target
  if (adds.length > 0 && target !== undefined) await grow(deps, nodeGroup, adds, target, signal)
}

/** Starts what the plan removes, and takes up what an earlier leader tainted and did not finish. */
function beginRemovals(
  deps: ControllerDeps,
  removals: Removals,
  state: ClusterState,
  plan: Plan,
  claims: ReadonlyMap<string, VPSieNode>,
  signal: AbortSignal,
): void {
  const nodes = new Map(state.nodes.map((node) => [node.metadata.name, node]))
  const verdicts = new Map(plan.nodes.map((decision) => [decision.node, decision]))
  const chosen = plan.actions.filter(({ type }) => type === 'remove')
  for (const action of chosen) report(deps, action, removals)
  const leftOver = new Set(
    state.nodes.filter((node) => isDisrupted(node)).map(({ metadata }) => metadata.name),
  )
  for (const name of new Set([...chosen.flatMap((action) => action.nodes ?? []), ...leftOver])) {
    const node = nodes.get(name)
    // A machine that never became a Node goes by the name of its claim.
    const claim = claims.get(name) ?? state.vpsieNodes.find(({ metadata }) => metadata.name === name)
    if (!claim || claim.metadata.deletionTimestamp !== undefined) continue
    if (!node) removals.start(name, () => removeUnregistered(deps, claim, signal))
    else
      removals.start(name, () => removal(deps, node, claim, verdicts.get(name), signal), leftOver.has(name))
  }
}

function removal(
  deps: ControllerDeps,
  node: Node,
  claim: VPSieNode,
  decision: NodeDecision | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const isDead = decision?.verdict === 'remove' && decision.reasons.some(({ code }) => code === 'Dead')
  return isDead ? removeDeadNode(deps, node, claim, signal) : removeNode(deps, node, claim, signal)
}

function claimsByNode(state: ClusterState): Map<string, VPSieNode> {
  const found = new Map<string, VPSieNode>()
  for (const claim of state.vpsieNodes) {
    for (const { metadata } of nodesOfClaim(state.nodes, claim))
      if (!found.has(metadata.name)) found.set(metadata.name, claim)
  }
  return found
}

function report(
  deps: ControllerDeps,
  { nodeGroup, nodes = [], reason, type }: Action,
  removals: Removals,
): void {
  const fresh = nodes.filter((node) => !removals.has(node))
  if (fresh.length === 0) return
  const set = labelsOfGroup(nodeGroup)
  deps.metrics.scaling_decisions_total.inc({ ...set, decision: type, reason })
  deps.metrics.scale_down_nodes_removed.observe(set, fresh.length)
  deps.log.info('scale-down', { nodeGroup, nodes: fresh, reason })
}

async function isolated(
  deps: ControllerDeps,
  nodeGroup: NodeGroup,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    signal.throwIfAborted()
    if (hasCode(error, 'Conflict', 'NotFound')) return
    deps.metrics.controller_reconcile_errors_total.inc({ controller: 'decision', error_type: codeOf(error) })
    deps.log.error('acting on a NodeGroup failed', { nodeGroup: keyOf(nodeGroup), error: errorText(error) })
  }
}
