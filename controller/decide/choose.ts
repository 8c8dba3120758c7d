import { wellKnown } from '../../common/api/names.ts'
import type { Cluster } from './cluster.ts'
import { compareText } from './groups.ts'
import type { Limits } from './limits.ts'
import { type Lot, waiting } from './lots.ts'
import { type Candidate, type Trial, tryCandidate } from './pack.ts'
import type { Tally } from './tally.ts'
import type { Template } from './templates.ts'

/**
 * The node to buy next: of groups below their minimum first, then by priority, then whose price is best used, then
 * with the least waste. Undefined if no candidate may be bought or holds a pod of the lots.
 */
export function bestTrial(
  lots: readonly Lot[],
  candidates: readonly Candidate[],
  limits: Limits,
  floor: (lot: Lot) => number,
  cluster: Cluster,
): Trial | undefined {
  if (lots.length === 0) return undefined
  const ready = candidates.filter(
    ({ template }) => limits.room(template).count > 0 && isChosenSize(template, limits),
  )
  const needed = ready.filter(({ template }) => limits.missing(template.group) > 0)
  const wanted = ready.filter(({ template }) => limits.closed(template.group) === undefined)
  const share = fairShare(lots, floor, cluster)
  for (const rank of [needed, ...byPriority(wanted)]) {
    for (const some of [rank.filter(({ template }) => template.offering.monthlyPrice <= share), rank]) {
      const best = bestOf(some, (candidate) => tryCandidate(candidate, lots, floor, cluster))
      if (best) return best
    }
  }
  return undefined
}

// Found by trial on mixed workloads: a node dearer than this would take the pods that fill up the others.
const mostShares = 2

/**
 * What a node may cost while pods wait that refuse each other's company: so many nodes are needed in any case, and
 * what else waits is best spread over them. Infinite where no pod does.
 */
function fairShare(lots: readonly Lot[], floor: (lot: Lot) => number, { world }: Cluster): number {
  const apart = new Map<Tally, number>()
  const homeable = lots.filter((lot) => Number.isFinite(floor(lot)))
  for (const lot of homeable) {
    for (const { targets } of world.topologyOf(lot.pod).avoids) {
      if (targets.topologyKey !== wellKnown.hostname || !targets.counted(lot.pod)) continue
      apart.set(targets, (apart.get(targets) ?? 0) + waiting(lot))
    }
  }
  const nodes = Math.max(0, ...apart.values())
  if (nodes === 0) return Number.POSITIVE_INFINITY
  const value = lots.reduce(
    (sum, lot) => sum + waiting(lot) * Math.min(floor(lot), Number.MAX_SAFE_INTEGER),
    0,
  )
  return (mostShares * value) / nodes
}

/** Tries those that did best last time first, and no more once what is left did worse than the best of now. */
function bestOf(
  candidates: readonly Candidate[],
  tried: (candidate: Candidate) => Trial | undefined,
): Trial | undefined {
  let best: Trial | undefined
  for (const candidate of [...candidates].sort((a, b) => a.lastScore - b.lastScore)) {
    if (best && candidate.lastScore > best.score * (1 + 1e-9)) break
    const trial = tried(candidate)
    if (trial && (!best || better(trial, best) < 0)) best = trial
  }
  return best
}

/** False where a group without mixed sizes has begun to buy another one in this plan. */
export function isChosenSize({ group, offering }: Template, limits: Limits): boolean {
  const chosen = limits.sizeOf(group)
  return group.spec.allowMixedInstances || chosen === undefined || chosen === offering.name
}

function byPriority(candidates: readonly Candidate[]): Candidate[][] {
  const priorities = [...new Set(candidates.map(({ template }) => template.group.spec.priority))].sort(
    (a, b) => b - a,
  )
  return priorities.map((priority) =>
    candidates.filter(({ template }) => template.group.spec.priority === priority),
  )
}

function better(a: Trial, b: Trial): number {
  if (Math.abs(a.score - b.score) > 1e-9 * Math.max(a.score, b.score)) return a.score - b.score
  if (Math.abs(a.waste - b.waste) > 1e-9) return a.waste - b.waste
  return preference(a) - preference(b) || compareText(nameOf(a), nameOf(b))
}

function preference({ candidate: { template } }: Trial): number {
  return template.group.spec.preferredInstanceType === template.offering.name ? 0 : 1
}

function nameOf({ candidate: { template } }: Trial): string {
  return `${template.group.key}/${template.offering.name}/${template.datacenterID ?? ''}`
}
