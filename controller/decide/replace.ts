import { createHash } from 'node:crypto'
import { annotations } from '../../common/api/names.ts'
import { fromTimestamp } from '../../common/clock.ts'
import { parseDuration } from '../../common/duration.ts'
import { keyOf } from '../../common/kube/resources.ts'
import type { Candidate as Leaving } from './candidates.ts'
import type { Cluster } from './cluster.ts'
import type { Gate } from './gate.ts'
import { type Group, priceOf } from './groups.ts'
import type { Limits } from './limits.ts'
import type { Lot } from './lots.ts'
import { isLeaving } from './members.ts'
import { money } from './money.ts'
import { oscillating } from './oscillation.ts'
import type { Candidate } from './pack.ts'
import type { NodeDecision, Reason } from './plan.ts'
import { replacedBy } from './replacing.ts'
import { namesOf } from './report.ts'
import type { Growth, Shrinkage } from './scale-down.ts'
import type { Purchase } from './scale-up.ts'
import type { Bin } from './shape/bins.ts'
import { isStarting } from './starting.ts'
import { emptyInto, type Swap } from './swap.ts'
import { waitsOf } from './timing.ts'

/** How many nodes one replacement may give up. */
const mostNodes = { conservative: 1, auto: 5, manual: 5, aggressive: 20 } as const

export interface ReplaceParts {
  readonly cluster: Cluster
  readonly gate: Gate
  readonly limits: Limits
  readonly growth: Growth
  readonly candidates: readonly Candidate[]
  readonly shrinkage: Shrinkage
  /** Machines the plan buys already: new ones are numbered from there. */
  readonly bought: number
}

/** The machines that come, and the lots of pods that go to them or elsewhere. */
export interface Replacements {
  readonly purchases: Purchase[]
  readonly lots: Lot[]
}

/**
 * For each group with `costOptimization`: nodes that stay only because they are full are given up for cheaper ones,
 * where that saves at least `minMonthlySavings`. Nothing is evicted for it yet: the new machines come first. Changes
 * the verdicts of the nodes concerned.
 */
export function planReplacements(parts: ReplaceParts): Replacements {
  const found: Replacements = { purchases: [], lots: [] }
  for (const group of parts.cluster.groups) {
    if (!mayReplace(group, parts)) continue
    const best = bestSwap(group, parts)
    if (!best) continue
    const unapproved = awaitsApproval(group, best)
    const nameOf = namesOf(best.purchases, parts.bought + found.purchases.length)
    for (const leaving of best.leaving) note(leaving, best, nameOf, unapproved, parts.shrinkage.decisions)
    if (unapproved) {
      best.undo()
      continue
    }
    const replaces = best.leaving.map(({ bin }) => bin.name).sort()
    found.purchases.push(...best.purchases.map((purchase) => ({ ...purchase, isForMin: false, replaces })))
    found.lots.push(...best.lots)
  }
  return found
}

/** Whether the group's settings, its last replacement and what is under way let one begin. */
function mayReplace(group: Group, { cluster, gate, growth, limits }: ReplaceParts): boolean {
  const { state, now, steps } = cluster
  const { costOptimization } = group.spec
  if (!costOptimization?.enabled || steps.isPartial || group.isDeleted) return false
  if (state.autoscalerConfig?.spec.globalSettings?.enableRebalancing === false) return false
  const last = fromTimestamp(group.object.status?.lastReplaceTime)
  const interval = parseDuration(costOptimization.optimizationInterval ?? '24h', 'optimizationInterval')
  if (last !== undefined && last + interval > now) return false
  const isBusy = group.members.some(
    (member) =>
      isLeaving(member) ||
      isStarting(member, cluster) ||
      (member.claim && replacedBy(member.claim).length > 0),
  )
  const isHeld = growth.groups.has(group.key) || gate.holdsReplaced(group).length > 0
  return !isBusy && !isHeld && limits.closed(group) === undefined
}

/** Of the sets that begin with what is used worst for its price, the one that saves most. It stays carried out. */
function bestSwap(group: Group, parts: ReplaceParts): Swap | undefined {
  const { cluster, candidates, limits, shrinkage } = parts
  const { strategy = 'auto', minMonthlySavings = 10 } = group.spec.costOptimization ?? {}
  const ordered = eligible(group, parts)
  const own = candidates.filter(({ template }) => template.group === group)
  const attempt = (count: number) =>
    emptyInto(ordered.slice(0, count), {
      cluster,
      limits,
      candidates: own,
      ...shrinkage.surroundings,
    })
  let best = { count: 0, savings: 0 }
  for (let count = 1; count <= Math.min(ordered.length, mostNodes[strategy]); count++) {
    const swap = attempt(count)
    if (!swap) continue
    swap.undo()
    const isEnough = swap.savings > 0 && swap.savings >= minMonthlySavings
    if (isEnough && keepsMinimum(group, swap, shrinkage.decisions) && swap.savings > best.savings)
      best = { count, savings: swap.savings }
  }
  return best.count === 0 ? undefined : attempt(best.count)
}

/** Where several nodes give way to fewer, the group and each of its datacenters keep what they must have. */
function keepsMinimum(
  { key, spec, staying }: Group,
  { leaving, purchases }: Swap,
  decisions: ReadonlyMap<string, NodeDecision>,
): boolean {
  const { enabled, minNodesPerRegion = 1 } = spec.multiRegion ?? {}
  const left = staying.filter(({ name }) => decisions.get(name)?.verdict !== 'remove')
  const gone = new Set(leaving.map(({ member }) => member))
  const after = [
    ...left.filter((member) => !gone.has(member)).map(({ datacenterID }) => datacenterID),
    ...purchases
      .filter(({ candidate }) => candidate.template.group.key === key)
      .map(({ candidate }) => candidate.template.datacenterID),
  ]
  if (after.length < Math.min(staying.length, spec.minNodes ?? 0)) return false
  if (!enabled || spec.provisioner !== 'vm') return true
  return leaving.every(({ member }) => {
    const there = (id: string | undefined) => id === member.datacenterID
    return (
      after.filter(there).length >=
      Math.min(minNodesPerRegion, left.filter((one) => there(one.datacenterID)).length)
    )
  })
}

/** Nodes that may be given up, the worst used for their price first. */
function eligible(group: Group, { cluster, growth, shrinkage }: ReplaceParts): Leaving[] {
  const { state, now } = cluster
  const wasted = ({ member, utilization }: Leaving) => {
    const load = Math.min(100, Math.max(utilization.cpuPercent, utilization.memoryPercent))
    return priceOf(member, state.offerings) * (1 - load / 100)
  }
  return shrinkage.replaceable
    .filter((leaving) => leaving.group === group && !oscillating(group, leaving.member.offering, now))
    .filter((leaving) =>
      // How long it has been unneeded says nothing of a node that is needed.
      waitsOf(leaving, cluster, growth.groups).every(({ reason }) => reason.code === 'NotUnneededLongEnough'),
    )
    .map((leaving) => ({ leaving, wasted: wasted(leaving) }))
    .sort((a, b) => b.wasted - a.wasted || (a.leaving.bin.name < b.leaving.bin.name ? -1 : 1))
    .map(({ leaving }) => leaving)
}

/** Why the replacement waits for a person; undefined if it need not. */
function awaitsApproval(group: Group, swap: Swap): Reason | undefined {
  const { strategy, requireApproval } = group.spec.costOptimization ?? {}
  if (!requireApproval && strategy !== 'manual') return undefined
  const content = [swap.leaving.map(({ bin }) => bin.name), swap.purchases.map(offeringOf)]
  const name = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 8)
  if (group.object.metadata.annotations?.[annotations.approve] === name) return undefined
  return {
    code: 'AwaitingApproval',
    message: `${sentence(swap)}; it begins once the NodeGroup has annotation ${annotations.approve}=${name}`,
    object: group.key,
  }
}

function note(
  { bin, group, evicted }: Leaving,
  swap: Swap,
  nameOf: (bin: Bin) => string,
  unapproved: Reason | undefined,
  decisions: Map<string, NodeDecision>,
): void {
  const base = { node: bin.name, nodeGroup: group.key }
  if (unapproved) {
    decisions.set(bin.name, { ...base, verdict: 'keep', evict: [], moves: [], reasons: [unapproved] })
    return
  }
  const own = new Set(evicted.map(keyOf))
  const moves = movesOf(swap.lots, nameOf).filter(({ pod }) => own.has(pod))
  decisions.set(bin.name, {
    ...base,
    verdict: 'replace',
    evict: [...own].sort(),
    moves: moves.sort((a, b) => (a.pod < b.pod ? -1 : 1)),
    reasons: [{ code: 'Replaced', message: sentence(swap) }],
  })
}

function movesOf(lots: readonly Lot[], nameOf: (bin: Bin) => string): { pod: string; to: string }[] {
  return lots.flatMap((lot) => {
    let next = 0
    return lot.places.flatMap(({ bin, count }) => {
      const pods = lot.pods.slice(next, next + count)
      next += count
      return pods.map((pod) => ({ pod: keyOf(pod), to: nameOf(bin) }))
    })
  })
}

function sentence({ leaving, purchases, savings }: Swap): string {
  const counts = new Map<string, number>()
  for (const purchase of purchases)
    counts.set(offeringOf(purchase), (counts.get(offeringOf(purchase)) ?? 0) + 1)
  const wanted = [...counts].map(([name, count]) => `${count} of size ${name}`).join(' and ')
  const old = leaving.map(({ bin }) => bin.name).join(', ')
  return `${wanted} instead of ${old} saves ${money(savings)} a month`
}

function offeringOf({ candidate }: Purchase): string {
  return candidate.template.offering.name
}
