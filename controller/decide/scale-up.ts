import { bestTrial, isChosenSize } from './choose.ts'
import type { Cluster } from './cluster.ts'
import { fill, isPlain } from './fit/fit.ts'
import type { Limits } from './limits.ts'
import { type Lot, notePlaced, waiting } from './lots.ts'
import { type Candidate, createCandidate, floorPrices, openBin, settle, type Trial } from './pack.ts'
import { timesIn } from './resources.ts'
import type { Bin } from './shape/bins.ts'
import { templatesOf } from './templates.ts'

/** A machine to buy. */
export interface Purchase {
  readonly bin: Bin
  readonly candidate: Candidate
  /** Bought because the group is below its minimum. */
  readonly isForMin: boolean
}

/** Puts lots on what is there or on its way, most important first. */
export function placeOnExisting(lots: readonly Lot[], { world }: Cluster): void {
  const bins = [
    ...world.bins.filter(({ kind }) => kind === 'node'),
    ...world.bins.filter(({ kind }) => kind === 'upcoming'),
  ]
  for (const lot of lots) {
    for (const bin of bins) {
      if (waiting(lot) === 0) break
      notePlaced(lot, bin, fill(lot.pod, bin, waiting(lot), world))
    }
  }
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
  const floor = floorPrices(real, cluster)
  const purchases: Purchase[] = []
  const refill = createRefill(lots, purchases, cluster)
  const step = (): boolean => {
    refill()
    const open = lots.filter((lot) => waiting(lot) > 0)
    const best = bestTrial(open, real, limits, floor, cluster)
    return best !== undefined && openCopies(best, purchases, limits, cluster)
  }
  // First with every zone that could be bought as a domain, so that a spread means what its author wished. What
  // that leaves is placed as kube-scheduler would, which knows no zone without a node.
  const undo = real
    .filter(({ template }) => limits.room(template).count > 0)
    .map(({ sketch }) => cluster.world.foresee(sketch))
  while (step());
  for (const one of undo) one()
  if (undo.length > 0 && lots.some((lot) => waiting(lot) > 0)) while (step());
  buyMinimum(real, purchases, limits, cluster)
  return purchases
}

/**
 * What was bought may take pods whose spread or affinity it had to wait for. A bin without the resources for a lot
 * never has them again, so each lot forgets such bins.
 */
function createRefill(lots: readonly Lot[], purchases: readonly Purchase[], { world }: Cluster): () => void {
  const hosts = new Map<Lot, { bins: Bin[]; seen: number }>()
  for (const lot of lots) if (!isPlain(lot.pod, world)) hosts.set(lot, { bins: [], seen: 0 })

  function refillLot(lot: Lot, known: { bins: Bin[]; seen: number }): boolean {
    for (; known.seen < purchases.length; known.seen++) {
      const bin = purchases[known.seen]?.bin
      if (bin) known.bins.push(bin)
    }
    known.bins = known.bins.filter(({ free }) => timesIn(lot.pod.requests, free) > 0)
    const before = lot.placed
    for (const bin of known.bins) notePlaced(lot, bin, fill(lot.pod, bin, waiting(lot), world))
    return lot.placed > before
  }

  return () => {
    for (let progress = true; progress; ) {
      progress = false
      for (const [lot, known] of hosts) {
        if (waiting(lot) === 0) hosts.delete(lot)
        else if (refillLot(lot, known)) progress = true
      }
    }
  }
}

/** Opens as many nodes as the lots fill alike; false if the first already holds nothing. */
function openCopies(trial: Trial, purchases: Purchase[], limits: Limits, cluster: Cluster): boolean {
  const { candidate, content } = trial
  const alike = Math.min(...content.map(({ lot, count }) => Math.floor(waiting(lot) / count)))
  const missing = limits.missing(candidate.template.group)
  const copies = Math.min(
    alike,
    limits.room(candidate.template).count,
    missing > 0 ? missing : Number.POSITIVE_INFINITY,
  )
  for (let copy = 0; copy < copies; copy++) {
    const bin = openBin(candidate, `new-${purchases.length + 1}`, cluster)
    if (settle(trial, bin, cluster) === 0) {
      for (const pod of candidate.daemons) cluster.world.place(pod, bin, -1)
      cluster.world.drop(bin)
      return copy > 0
    }
    take(candidate, bin, purchases, limits)
  }
  return copies > 0
}

/** Raises groups that are still below their minimum, by their cheapest size. */
function buyMinimum(
  candidates: readonly Candidate[],
  purchases: Purchase[],
  limits: Limits,
  cluster: Cluster,
): void {
  const cheapest = [...candidates].sort(
    (a, b) => cheaper(a) - cheaper(b) || a.template.offering.monthlyPrice - b.template.offering.monthlyPrice,
  )
  for (const candidate of cheapest) {
    while (limits.missing(candidate.template.group) > 0 && limits.room(candidate.template).count > 0) {
      if (!isChosenSize(candidate.template, limits)) break
      take(candidate, openBin(candidate, `new-${purchases.length + 1}`, cluster), purchases, limits)
    }
  }
}

function cheaper({ template: { group, offering } }: Candidate): number {
  return group.spec.preferredInstanceType === offering.name ? 0 : 1
}

function take(candidate: Candidate, bin: Bin, purchases: Purchase[], limits: Limits): void {
  const isForMin = limits.missing(candidate.template.group) > 0
  purchases.push({ bin, candidate, isForMin })
  limits.take(candidate.template, 1)
}
