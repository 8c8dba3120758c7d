import { type Demand, fairShare } from './demand.ts'
import { compareText, type Group } from './groups.ts'
import type { Limits } from './limits.ts'
import { type Candidate, type Trial, tryCandidate } from './pack.ts'
import type { Regions } from './regions.ts'
import type { Shop } from './scale-up.ts'
import type { Template } from './templates.ts'

/** The candidates of one group by datacenter, the cheapest first. */
export interface Shelf {
  readonly group: Group
  readonly places: ReadonlyMap<string, readonly Candidate[]>
}

/**
 * The node to buy next: of groups below their minimum first, then by priority, then whose price is best used, then
 * with the least waste. Undefined if no candidate may be bought or holds a pod of the demands.
 */
export function bestTrial(
  demands: readonly Demand[],
  shelves: readonly Shelf[],
  shop: Shop,
): Trial | undefined {
  if (demands.length === 0) return undefined
  const { limits, regions, cluster } = shop
  const { price, apart } = fairShare(demands)
  const tried = (candidate: Candidate) =>
    limits.room(candidate.template) > 0 && isChosenSize(candidate.template, limits)
      ? tryCandidate(candidate, demands, apart, cluster)
      : undefined
  for (const rank of ranksOf(shelves, limits)) {
    // A datacenter out of its turn is better than a node too large, and both are better than none.
    for (const most of [price, Number.POSITIVE_INFINITY]) {
      const best =
        bestOf(offered(rank, most, regions), tried) ?? bestOf(offered(rank, most, undefined), tried)
      if (best) return best
    }
  }
  return undefined
}

/** What costs no more than `most`, from the datacenters whose turn it is. */
function offered(shelves: readonly Shelf[], most: number, regions: Regions | undefined): Candidate[] {
  const found: Candidate[] = []
  for (const { group, places } of shelves) {
    const next = regions?.next(group)
    for (const [place, candidates] of places) {
      if (next && !next.has(place)) continue
      for (const candidate of candidates) {
        if (candidate.template.offering.monthlyPrice > most) break
        found.push(candidate)
      }
    }
  }
  return found
}

/** Those that may grow: below their minimum first, then by priority. */
function ranksOf(shelves: readonly Shelf[], limits: Limits): Shelf[][] {
  const needed = shelves.filter(({ group }) => limits.missing(group) > 0)
  const wanted = shelves.filter(({ group }) => limits.closed(group) === undefined)
  const priorities = new Set(wanted.map(({ group }) => group.spec.priority))
  const ranks = [...priorities]
    .sort((a, b) => b - a)
    .map((priority) => wanted.filter(({ group }) => group.spec.priority === priority))
  return needed.length > 0 ? [needed, ...ranks] : ranks
}

export function shelvesOf(candidates: readonly Candidate[]): Shelf[] {
  const found = new Map<Group, Map<string, Candidate[]>>()
  const priced = [...candidates].sort(
    (a, b) => a.template.offering.monthlyPrice - b.template.offering.monthlyPrice,
  )
  for (const candidate of priced) {
    const { group, datacenterID = '' } = candidate.template
    const places = found.get(group) ?? new Map<string, Candidate[]>()
    found.set(group, places)
    const own = places.get(datacenterID)
    if (own) own.push(candidate)
    else places.set(datacenterID, [candidate])
  }
  return [...found].map(([group, places]) => ({ group, places }))
}

/** Tries those that did best last time first, and no more once what is left did worse than the best of now. */
function bestOf(left: Candidate[], tried: (candidate: Candidate) => Trial | undefined): Trial | undefined {
  let best: Trial | undefined
  while (left.length > 0) {
    const next = indexOfBest(left)
    const candidate = left[next]
    const last = left.pop()
    if (!candidate || !last) break
    if (next < left.length) left[next] = last
    if (best && candidate.lastScore > best.score * (1 + 1e-9)) break
    const trial = tried(candidate)
    if (trial && (!best || better(trial, best) < 0)) best = trial
  }
  return best
}

// Few are tried, so looking for the next one each time costs less than sorting all of them.
function indexOfBest(candidates: readonly Candidate[]): number {
  let least = Number.POSITIVE_INFINITY
  let found = 0
  for (let i = 0; i < candidates.length; i++) {
    const score = candidates[i]?.lastScore ?? Number.POSITIVE_INFINITY
    if (score >= least) continue
    least = score
    found = i
  }
  return found
}

/** False where a group without mixed sizes has begun to buy another one in this plan. */
export function isChosenSize({ group, offering }: Template, limits: Limits): boolean {
  const chosen = limits.sizeOf(group)
  return group.spec.allowMixedInstances || chosen === undefined || chosen === offering.name
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
