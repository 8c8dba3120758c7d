import { toTimestamp } from '../../common/clock.ts'
import type { Pod } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { actionsOf, groupDecisions } from './actions.ts'
import { type Cluster, readCluster } from './cluster.ts'
import { decideDead } from './dead.ts'
import { createGate } from './gate.ts'
import { compareText, type Group, priceOf } from './groups.ts'
import { createLimits, type Limits } from './limits.ts'
import { type Lot, lotsOf } from './lots.ts'
import { cents } from './money.ts'
import type { DecideOptions } from './options.ts'
import type { NodeDecision, Plan, PodDecision, Reason } from './plan.ts'
import { createTriage, type Settled } from './pods.ts'
import { planReplacements } from './replace.ts'
import { newNodes, podDecisions } from './report.ts'
import { type Growth, scaleDown } from './scale-down.ts'
import { buy, candidatesOf, type Purchase, placeOnExisting } from './scale-up.ts'
import type { Bin } from './shape/bins.ts'
import { noteSpare, type Spare } from './spare.ts'
import type { ClusterState } from './state.ts'
import { whyNot } from './why-not.ts'

/**
 * Decides about every pod, node and group of a state at `now` (ms since the epoch): pods go onto what is there or
 * coming, machines are bought for the rest, and what is not needed goes. Pure and synchronous; equal states give
 * equal plans whatever the order of their lists. An object that cannot be understood gets the reason `InvalidObject`.
 */
export function decide(state: ClusterState, options: DecideOptions, now: number): Plan {
  const cluster = readCluster(state, options, now)
  const gate = createGate(cluster)
  const dead = decideDead(cluster, gate)
  const { settled, pending } = triage(cluster)

  const lots = lotsOf(cluster, pending)
  const tried = placeOnExisting(lots, cluster)
  const candidates = candidatesOf(cluster)
  const limits = createLimits(cluster, goneOf(dead))
  const isPaused = state.autoscalerConfig?.spec.globalSettings?.paused === true
  const wanted = buy(tried, candidates, limits, cluster)
  const growth = growthOf(lots, wanted)
  const shrinkage = scaleDown(cluster, growth, dead, gate)
  const bought = wanted.length
  const replacements = planReplacements({ cluster, gate, limits, growth, candidates, shrinkage, bought })
  const nodes = [...shrinkage.decisions.values()].sort((a, b) => compareText(a.node, b.node))

  const purchases = isPaused ? [] : [...wanted, ...replacements.purchases]
  const leftOver = new Set(lots.slice(tried.length))
  const reasons = (lot: Lot) =>
    leftOver.has(lot) ? [cluster.steps.reason] : whyNot(lot, candidates, limits, cluster)
  const decided = podDecisions(lots, wanted, cluster.world.space, reasons).map((decision) =>
    isPaused ? paused(decision) : decision,
  )
  const spent = isPaused ? createLimits(cluster, goneOf(dead)) : limits
  const actions = actionsOf(cluster, purchases, nodes, growth.received)
  return {
    at: toTimestamp(now),
    actions,
    pods: [...settled, ...decided].sort((a, b) => compareText(a.pod, b.pod)),
    nodes,
    groups: groupDecisions(cluster, actions, (group) => shortfall(group, spent, candidates, isPaused)),
    newNodes: newNodes([...lots, ...replacements.lots], purchases),
    monthlyCost: costs(cluster, actions),
  }
}

function triage(cluster: Cluster): { settled: PodDecision[]; pending: { pod: Pod; waitedMs: number }[] } {
  const triageOf = createTriage(cluster)
  const settled: PodDecision[] = []
  const pending: { pod: Pod; waitedMs: number }[] = []
  for (const pod of cluster.pods) {
    const outcome = triageOf(pod)
    if (outcome.kind === 'pending') pending.push({ pod, waitedMs: outcome.waitedMs })
    else settled.push(settledDecision(pod, outcome))
  }
  return { settled, pending }
}

// Most pods are bound and stay as they are from pass to pass.
const known = new WeakMap<Pod, { reasons: readonly Reason[]; decision: PodDecision }>()

function settledDecision(pod: Pod, { verdict, reasons }: Settled): PodDecision {
  const before = known.get(pod)
  if (before?.reasons === reasons) return before.decision
  const decision = { pod: keyOf(pod), verdict, ...nodeOf(pod), reasons }
  known.set(pod, { reasons, decision })
  return decision
}

function nodeOf({ spec, status }: Pod): { node?: string } {
  const node = spec.nodeName || status?.nominatedNodeName
  return node ? { node } : {}
}

function goneOf(dead: readonly NodeDecision[]): ReadonlySet<string> {
  return new Set(dead.flatMap(({ node, verdict }) => (verdict === 'remove' ? [node] : [])))
}

/** What removals must respect of the plan so far: bins that are to take pods, room kept spare, groups that grow. */
function growthOf(lots: readonly Lot[], purchases: readonly Purchase[]): Growth {
  const received = new Map<Bin, string>()
  const spare: Spare = new Map()
  for (const lot of lots) {
    let next = 0
    for (const { bin, count } of lot.places) {
      const pod = lot.pods[next]
      if (lot.headroomOf) noteSpare(spare, bin, lot.pod, count)
      else if (pod && !received.has(bin)) received.set(bin, keyOf(pod))
      next += count
    }
  }
  return { groups: new Set(purchases.map(({ candidate }) => candidate.template.group.key)), received, spare }
}

function paused(decision: PodDecision): PodDecision {
  if (decision.verdict !== 'scaleUp') return decision
  const { pod, nodeGroup, offering } = decision
  const message = `would get a new node of size ${offering} in NodeGroup ${nodeGroup}, but globalSettings.paused is true`
  return { pod, verdict: 'unschedulable', reasons: [{ code: 'Paused', message }] }
}

/** Why a group stays below its minimum. */
function shortfall(
  group: Group,
  limits: Limits,
  candidates: ReturnType<typeof candidatesOf>,
  isPaused: boolean,
): Reason[] {
  const missing = limits.missing(group)
  if (missing === 0) return []
  const own = candidates.filter(({ template }) => template.group === group)
  const limit = own.map(({ template }) => limits.full(template)).find((reason) => reason !== undefined)
  const why: Reason[] = isPaused
    ? [{ code: 'Paused', message: 'globalSettings.paused is true' }]
    : limit
      ? [limit]
      : []
  const rehearsal: Reason[] = group.spec.dryRun ? [{ code: 'DryRun', message: 'dryRun is true' }] : []
  return [
    { code: 'BelowMin', message: `lacks ${missing} of minNodes ${group.spec.minNodes}` },
    ...rehearsal,
    ...why,
  ]
}

function costs({ groups, state }: Cluster, actions: Plan['actions']): Plan['monthlyCost'] {
  const now = groups
    .flatMap(({ staying }) => staying)
    .reduce((sum, member) => sum + priceOf(member, state.offerings), 0)
  return { now: cents(now), planned: cents(actions.reduce((sum, { monthlyCost }) => sum + monthlyCost, now)) }
}
