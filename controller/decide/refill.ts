import type { Cluster } from './cluster.ts'
import type { Demand } from './demand.ts'
import { fill } from './fit/fit.ts'
import { type Lot, notePlaced, waiting } from './lots.ts'
import { isWithin } from './resources.ts'
import type { Purchase } from './scale-up.ts'
import type { Bin } from './shape/bins.ts'
import { smallestCount, type Tally } from './tally.ts'
import type { World } from './world.ts'

/** A lot whose pods a later change may let onto bins that refused them. */
interface Guest {
  readonly lot: Lot
  bins: Bin[]
  /** How many of the purchases it knows. */
  seen: number
}

/** Guests whose refusals depend on the same counts. */
interface Party {
  readonly spreads: readonly Tally[]
  readonly affinity: readonly Tally[]
  readonly guests: Set<Guest>
  /** What the refusals depended on when the guests were last tried. */
  signs: readonly number[]
}

/**
 * Gives what to call after each purchase: bins that were bought may take pods whose spread or affinity had to wait
 * for others. A bin without the resources for a lot never has them again, so each lot forgets such bins.
 */
export function createRefill(
  demands: readonly Demand[],
  {
    purchases,
    cluster: { world, steps },
  }: { readonly purchases: readonly Purchase[]; readonly cluster: Cluster },
): () => void {
  const parties = partiesOf(demands, world)

  function refill(guest: Guest): boolean {
    const { lot } = guest
    for (; guest.seen < purchases.length; guest.seen++) {
      const bin = purchases[guest.seen]?.bin
      if (bin) guest.bins.push(bin)
    }
    guest.bins = guest.bins.filter(({ free }) => isWithin(lot.pod.requests, free))
    const before = lot.placed
    steps.take(guest.bins.length)
    for (const bin of guest.bins) notePlaced(lot, bin, fill(lot.pod, bin, waiting(lot), world))
    return lot.placed > before
  }

  function refillAll(party: Party): boolean {
    const signs = signsOf(party)
    if (signs.every((sign, i) => sign === party.signs[i])) return false
    party.signs = signs
    let progress = false
    for (const guest of party.guests) {
      if (waiting(guest.lot) > 0 && refill(guest)) progress = true
      if (waiting(guest.lot) === 0) party.guests.delete(guest)
    }
    return progress
  }

  return () => {
    for (let progress = true; progress; ) {
      progress = false
      for (const party of parties) if (party.guests.size > 0 && refillAll(party)) progress = true
    }
  }
}

function partiesOf(demands: readonly Demand[], world: World): Party[] {
  const numbers = new Map<Tally, number>()
  const numberOf = (tally: Tally) => {
    const number = numbers.get(tally) ?? numbers.size
    numbers.set(tally, number)
    return number
  }
  const parties = new Map<string, Party>()
  for (const { lot } of demands) {
    const topology = world.topologyOf(lot.pod)
    const spreads = topology.spreads.map(({ tally }) => tally)
    const { affinity } = topology
    if (spreads.length + affinity.length === 0) continue
    const key = [...spreads, ...affinity].map(numberOf).join()
    const party = parties.get(key) ?? { spreads, affinity, guests: new Set(), signs: [] }
    party.guests.add({ lot, bins: [], seen: 0 })
    parties.set(key, party)
  }
  return [...parties.values()]
}

/** What can let pods onto a bin that refused them: as pods only come, nothing else does. */
function signsOf({ spreads, affinity }: Party): number[] {
  return [
    ...spreads.flatMap((tally) => [smallestCount(tally), tally.members.size]),
    ...affinity.map(({ counts }) => counts.size),
  ]
}
