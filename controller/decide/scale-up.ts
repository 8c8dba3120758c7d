import { bestTrial, isChosenSize, shelvesOf } from './choose.ts'
import type { Cluster } from './cluster.ts'
import { demandsOf } from './demand.ts'
import { fill } from './fit/fit.ts'
import type { Limits } from './limits.ts'
import { type Lot, notePlaced, waiting } from './lots.ts'
import { mergePurchases } from './merge.ts'
import { type Candidate, closeBin, createCandidate, openBin, settle, type Trial } from './pack.ts'
import { createRefill } from './refill.ts'
import { createRegions, type Regions } from './regions.ts'
import { isWithin } from './resources.ts'
import type { Bin } from './shape/bins.ts'
import { templatesOf } from './templates.ts'

/** A machine to buy. */
export interface Purchase {
  readonly bin: Bin
  readonly candidate: Candidate
  /** Bought because the group is below its minimum. */
  readonly isForMin: boolean
  /** Names of the Nodes that it is bought in place of. */
  readonly replaces?: readonly string[]
}

/**
 * Puts lots on what is there or on its way, most important first. Gives those that have been tried everywhere: for no
 * other may machines be bought. Half of the decision's steps are left for that.
 */
export function placeOnExisting(lots: readonly Lot[], { world, steps }: Cluster): readonly Lot[] {
  const bins = [
    ...world.bins.filter(({ kind }) => kind === 'node'),
    ...world.bins.filter(({ kind }) => kind === 'upcoming'),
  ]
  for (const [number, lot] of lots.entries()) {
    if (steps.isHalfOver) {
      steps.leaveOut()
      return lots.slice(0, number)
    }
    steps.take(bins.length)
    for (const bin of bins) {
      if (waiting(lot) === 0) break
      if (!isWithin(lot.pod.requests, bin.free)) continue
      notePlaced(lot, bin, fill(lot.pod, bin, waiting(lot), world))
    }
  }
  return lots
}

/** Every template of every group that is not on its way out. */
export function candidatesOf(cluster: Cluster): Candidate[] {
  return cluster.groups
    .filter(({ isDeleted }) => !isDeleted)
    .flatMap((group) => templatesOf(group, cluster.source))
    .map((template) => createCandidate(template, cluster))
}

/**
 * Buys machines until every lot has its places or nothing more can be bought. Each step takes the node that gives
 * most for its price, of the groups below their minimum first, then by the groups' priority; and as many equal
 * nodes at once as the lots fill.
 */
export function buy(
  lots: readonly Lot[],
  candidates: readonly Candidate[],
  limits: Limits,
  cluster: Cluster,
): Purchase[] {
  const real = candidates.filter(({ template }) => !template.group.spec.dryRun)
  const shop = createShop(real, limits, cluster)
  fillShop(lots, real, shop)
  mergePurchases(lots, real, shop)
  buyMinimum(real, shop)
  return shop.purchases
}

/** What purchases are made with. */
export interface Shop {
  readonly limits: Limits
  readonly regions: Regions
  readonly cluster: Cluster
  readonly purchases: Purchase[]
}

export function createShop(candidates: readonly Candidate[], limits: Limits, cluster: Cluster): Shop {
  const available = candidates.filter(({ template }) => limits.room(template) > 0)
  return { limits, regions: createRegions(available), cluster, purchases: [] }
}

/** Buys for the lots until all of them have their places or nothing more can be bought. */
export function fillShop(lots: readonly Lot[], candidates: readonly Candidate[], shop: Shop): void {
  const { limits, cluster } = shop
  const available = candidates.filter(({ template }) => limits.room(template) > 0)
  // What earlier trials say is of other lots.
  for (const candidate of available) {
    candidate.known = undefined
    candidate.lastScore = 0
  }
  const shelves = shelvesOf(available)
  let demands = demandsOf(lots, available, cluster)
  if (demands.length === 0) return
  const refill = createRefill(demands, shop)
  let hasServed = false
  const step = (): boolean => {
    if (cluster.steps.isOver) return false
    if (refill() || hasServed) demands = demands.filter(({ lot }) => waiting(lot) > 0)
    const best = bestTrial(demands, shelves, shop)
    if (!best || !openCopies(best, shop)) return false
    hasServed = best.content.some(({ lot }) => waiting(lot) === 0)
    return true
  }
  // First with every zone that could be bought as a domain, and always one more host, so that a spread means what
  // its author wished, whichever of the machines comes first. What that leaves is placed as kube-scheduler would,
  // which knows no zone without a node.
  const shapes = new Map(available.map(({ sketch }) => [sketch.shape, sketch]))
  const undo = [...shapes.values()].map((sketch) => cluster.world.foresee(sketch))
  while (step());
  for (const one of undo) one()
  if (demands.length > 0) while (step());
}

/** Takes back all purchases; their pods must have left. */
export function emptyShop({ purchases, limits, cluster }: Shop): void {
  for (const { candidate, bin } of purchases.toReversed()) {
    closeBin(candidate, bin, cluster)
    limits.take(candidate.template, -1)
  }
}

/** Opens as many nodes as the lots fill alike; false if the first already holds nothing. */
function openCopies(trial: Trial, shop: Shop): boolean {
  const { limits, regions, cluster } = shop
  const { candidate, content } = trial
  const { template } = candidate
  const alike = Math.min(...content.map(({ lot, count }) => Math.floor(waiting(lot) / count)))
  const missing = limits.missing(template.group)
  const copies = Math.min(
    alike,
    limits.room(template),
    regions.inRow(template),
    missing > 0 ? missing : Number.POSITIVE_INFINITY,
  )
  for (let copy = 0; copy < copies; copy++) {
    const bin = openBin(candidate, cluster.world.freshName(), cluster)
    if (settle(trial, bin, cluster) === 0) {
      closeBin(candidate, bin, cluster)
      return copy > 0
    }
    take(candidate, bin, shop)
  }
  return copies > 0
}

/** Raises groups that are still below their minimum, by their cheapest size. */
function buyMinimum(candidates: readonly Candidate[], shop: Shop): void {
  const { limits, regions } = shop
  const cheapest = [...candidates].sort(
    (a, b) => cheaper(a) - cheaper(b) || a.template.offering.monthlyPrice - b.template.offering.monthlyPrice,
  )
  const mayBuy = ({ template }: Candidate) =>
    limits.missing(template.group) > 0 && limits.room(template) > 0 && isChosenSize(template, limits)
  for (;;) {
    const ready = cheapest.filter(mayBuy)
    const next =
      ready.find(({ template }) => regions.next(template.group)?.has(template.datacenterID ?? '') ?? true) ??
      ready[0]
    if (!next) return
    take(next, openBin(next, shop.cluster.world.freshName(), shop.cluster), shop)
  }
}

function cheaper({ template: { group, offering } }: Candidate): number {
  return group.spec.preferredInstanceType === offering.name ? 0 : 1
}

function take(candidate: Candidate, bin: Bin, { limits, regions, purchases }: Shop): void {
  const isForMin = limits.missing(candidate.template.group) > 0
  purchases.push({ bin, candidate, isForMin })
  limits.take(candidate.template, 1)
  regions.take(candidate.template, 1)
}
