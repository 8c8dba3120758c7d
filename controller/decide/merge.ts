import { fill } from './fit/fit.ts'
import type { Lot } from './lots.ts'
import { type Candidate, closeBin, openBin } from './pack.ts'
import { add, at, cpu, isWithin, memory, type Vector } from './resources.ts'
import type { Purchase, Shop } from './scale-up.ts'
import type { Bin } from './shape/bins.ts'

// What is bought last fills up worst. More of them are not looked at: the cost grows with their square.
const mostLoose = 12
// Share of CPU and memory together that a machine must leave unused to be worth a look.
const leastWaste = 0.2

/**
 * Buying takes the best node each time, which may leave two half empty ones at the end where one of another size would
 * do for less. Puts the pods of two machines onto one that costs less than both, as long as there are such.
 */
export function mergePurchases(lots: readonly Lot[], candidates: readonly Candidate[], shop: Shop): void {
  while (!shop.cluster.steps.isOver && mergeOne(lots, candidates, shop));
}

function mergeOne(lots: readonly Lot[], candidates: readonly Candidate[], shop: Shop): boolean {
  const loose = shop.purchases
    .filter(({ isForMin, bin }) => !isForMin && wasteOf(bin) > leastWaste)
    .sort((a, b) => wasteOf(b.bin) - wasteOf(a.bin))
    .slice(0, mostLoose)
  for (const [i, a] of loose.entries()) {
    for (const b of loose.slice(i + 1)) {
      shop.cluster.steps.take(1)
      const into = cheaperThan(a, b, candidates, shop)
      if (into && merge([a, b], into, lots, shop)) return true
    }
  }
  return false
}

function wasteOf({ free, allocatable }: Bin): number {
  return at(free, cpu) / at(allocatable, cpu) + at(free, memory) / at(allocatable, memory)
}

/** The cheapest candidate of the same group and place that has room for what is on both. */
function cheaperThan(
  a: Purchase,
  b: Purchase,
  candidates: readonly Candidate[],
  shop: Shop,
): Candidate | undefined {
  const { group, datacenterID } = a.candidate.template
  const other = b.candidate.template
  if (other.group !== group || other.datacenterID !== datacenterID || !group.spec.allowMixedInstances)
    return undefined
  const price = a.candidate.template.offering.monthlyPrice + other.offering.monthlyPrice
  const needed = used(a)
  add(needed, used(b))
  return candidates
    .filter(
      ({ template, sketch }) =>
        template.group === group &&
        template.datacenterID === datacenterID &&
        template.offering.monthlyPrice < price - 1e-9 &&
        isWithin(needed, sketch.free) &&
        // One machine and its price take the place of two.
        (shop.limits.room(template) > 0 || template.offering === a.candidate.template.offering),
    )
    .sort((x, y) => x.template.offering.monthlyPrice - y.template.offering.monthlyPrice)[0]
}

/** What the pods on the machine, DaemonSets' not counted, ask for. */
function used({ bin, candidate }: Purchase): Vector {
  const sum = candidate.sketch.free.slice()
  add(sum, bin.free, -1)
  return sum
}

/** Moves all pods of two machines onto one new one; false, with everything as it was, if one of them does not fit. */
function merge(from: readonly Purchase[], into: Candidate, lots: readonly Lot[], shop: Shop): boolean {
  const { cluster, purchases } = shop
  const { world } = cluster
  const bins = new Set(from.map(({ bin }) => bin))
  const places = lots.flatMap((lot) =>
    lot.places.filter(({ bin }) => bins.has(bin)).map((place) => ({ pod: lot.pod, place })),
  )
  for (const { pod, place } of places) world.place(pod, place.bin, -place.count)
  for (const bin of bins) bin.closed = true
  const merged = openBin(into, world.freshName(), cluster)
  const moved = places.map(({ pod, place }) => ({ pod, place, count: fill(pod, merged, place.count, world) }))
  if (moved.some(({ place, count }) => count < place.count)) {
    for (const { pod, count } of moved) world.place(pod, merged, -count)
    closeBin(into, merged, cluster)
    for (const bin of bins) bin.closed = false
    for (const { pod, place } of places) world.place(pod, place.bin, place.count)
    return false
  }
  for (const { place } of moved) place.bin = merged
  for (const { candidate, bin } of from) {
    closeBin(candidate, bin, cluster)
    note(candidate, -1, shop)
  }
  note(into, 1, shop)
  const kept = purchases.filter(({ bin }) => !bins.has(bin))
  purchases.splice(0, purchases.length, ...kept, { bin: merged, candidate: into, isForMin: false })
  return true
}

function note({ template }: Candidate, count: number, { limits, regions }: Shop): void {
  limits.take(template, count)
  regions.take(template, count)
}
