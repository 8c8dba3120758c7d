import { isDeepStrictEqual } from 'node:util'
import type { NodeGroup, NodeGroupStatus, NodeStatusEntry } from '../../common/api/nodegroup.ts'
import { isOf } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import { counted } from '../../common/counted.ts'
import { resources } from '../../common/kube/resources.ts'
import { patchStatus, setCondition } from '../../common/kube/status.ts'
import type { GroupDecision, NodeDecision, Plan } from '../decide/plan.ts'
import type { ClusterState } from '../decide/state.ts'
import type { ControllerDeps } from '../deps.ts'
import { nameOf } from '../nodes/claims.ts'
import { conditionsNow } from './conditions.ts'
import { changesWith } from './history.ts'
import { type Prices, pricesOf } from './prices.ts'
import { learnedSizes } from './sizes.ts'

// A status that says nothing new is still refreshed this often, so that its time shows that somebody decides.
const refreshMs = 5 * 60_000
// Figures inside the reasons of nodes, such as their usage, change with every pass; they are not worth a write each.
const figuresMs = 60_000
const mostNodes = 200

/** Brings the status of one NodeGroup up to date, if it says anything new. `Conflict` if the group has changed. */
export async function reportNodeGroup(
  deps: Pick<ControllerDeps, 'client' | 'clock'>,
  nodeGroup: NodeGroup,
  state: ClusterState,
  plan: Plan,
  signal: AbortSignal,
): Promise<void> {
  const status = statusOf(nodeGroup, state, plan, deps.clock.now())
  if (!status || saysNothingNew(nodeGroup.status ?? {}, status, deps.clock.now())) return
  const { resourceVersion = '' } = nodeGroup.metadata
  await patchStatus(deps, resources.nodeGroups, nameOf(nodeGroup), status, { resourceVersion }, signal)
}

function saysNothingNew(present: NodeGroupStatus, wanted: NodeGroupStatus, now: number): boolean {
  const { lastDecisionTime: _, ...facts } = wanted
  const shown: NodeGroupStatus = Object.fromEntries(
    Object.keys(facts).map((key) => [key, present[key as keyof NodeGroupStatus]]),
  )
  const age = now - (fromTimestamp(present.lastDecisionTime) ?? 0)
  if (isDeepStrictEqual(shown, facts)) return age < refreshMs
  return isDeepStrictEqual(withoutFigures(shown), withoutFigures(facts)) && age < figuresMs
}

/** The status with each node's reason cut down to its code. */
function withoutFigures(status: NodeGroupStatus): NodeGroupStatus {
  return { ...status, nodes: (status.nodes ?? []).map((entry) => ({ ...entry, reason: codeIn(entry) })) }
}

function codeIn({ reason = '' }: NodeStatusEntry): string {
  return reason.slice(0, reason.indexOf(':'))
}

/** The reported part of a NodeGroup's status; undefined if the plan does not speak of the group. */
export function statusOf(
  nodeGroup: NodeGroup,
  state: ClusterState,
  plan: Plan,
  now: number,
): NodeGroupStatus | undefined {
  const key = `${nodeGroup.metadata.namespace}/${nodeGroup.metadata.name}`
  const decision = plan.groups.find((group) => group.nodeGroup === key)
  if (!decision) return undefined
  const removals = plan.actions.filter(({ type, nodeGroup: of }) => of === key && type === 'remove')
  const claims = state.vpsieNodes.filter((claim) => isOf(claim, nodeGroup))
  const prices = pricesOf(state.offerings)
  const entries = entriesOf(claims, plan.nodes, prices)
  const readyNodes = claims.filter(
    ({ status, metadata }) => status?.phase === 'Ready' && metadata.deletionTimestamp === undefined,
  ).length
  const conditions = conditionsNow({ nodeGroup, claims, decision, readyNodes, now })
  return {
    currentNodes: decision.current,
    desiredNodes: decision.target,
    readyNodes,
    nodes: entries.slice(0, mostNodes),
    nodesOmitted: Math.max(0, entries.length - mostNodes),
    monthlyCost: prices.sum(claims),
    sizes: learnedSizes(nodeGroup, state),
    recentChanges: changesWith(nodeGroup, removals, 'Remove', now),
    conditions: conditions.reduce(
      (list, condition) => setCondition(list, condition, now),
      nodeGroup.status?.conditions ?? [],
    ),
    lastDecision: sentenceOf(decision),
    lastDecisionTime: toTimestamp(now),
    ...(nodeGroup.metadata.generation === undefined
      ? {}
      : { observedGeneration: nodeGroup.metadata.generation }),
  }
}

function sentenceOf({ current, target, reasons }: GroupDecision): string {
  const why = reasons.map(({ code, message }) => `${code}: ${message}`).join('; ')
  return `${counted(current, 'node')}, ${target} wanted${why ? `; ${why}` : ''}`.slice(0, 2048)
}

/** One entry a claim; those that are not simply kept come first, because the list may be cut. */
function entriesOf(
  claims: readonly VPSieNode[],
  decisions: readonly NodeDecision[],
  prices: Prices,
): NodeStatusEntry[] {
  const byNode = new Map(decisions.map((decision) => [decision.node, decision]))
  const entries = claims.map((claim) => entryOf(claim, byNode.get(claim.status?.nodeName ?? ''), prices))
  const rank = ({ verdict, status }: NodeStatusEntry) =>
    verdict === 'remove' || verdict === 'replace' ? 0 : status === 'Ready' ? 2 : 1
  return entries.sort((a, b) => rank(a) - rank(b) || (a.nodeName < b.nodeName ? -1 : 1))
}

function entryOf(claim: VPSieNode, decision: NodeDecision | undefined, prices: Prices): NodeStatusEntry {
  const { spec, status } = claim
  const phase = status?.phase ?? 'Pending'
  const [first] = decision?.reasons ?? []
  const monthlyCost = prices.of(claim)
  return {
    nodeName: status?.nodeName ?? '',
    vpsID: spec.vpsieInstanceID,
    instanceType: spec.instanceType,
    status: phase,
    phase,
    offering: spec.instanceType,
    ...(status?.createdAt ? { createdAt: status.createdAt } : {}),
    ...(status?.readyAt ? { readyAt: status.readyAt } : {}),
    ...(spec.ipAddress ? { ipAddress: spec.ipAddress } : {}),
    ...(monthlyCost === undefined ? {} : { monthlyCost }),
    ...(decision ? { verdict: decision.verdict } : {}),
    ...(first ? { reason: `${first.code}: ${first.message}`.slice(0, 1024) } : {}),
    ...(decision?.since ? { since: decision.since } : {}),
  }
}
