import { wellKnown } from '../../common/api/names.ts'
import type { Cluster } from './cluster.ts'
import type { Demand } from './demand.ts'
import { fill } from './fit/fit.ts'
import { takesOneMore } from './fit/topology-spread.ts'
import { type Lot, notePlaced, waiting } from './lots.ts'
import { isWithin } from './resources.ts'
import type { Purchase } from './scale-up.ts'
import type { Bin } from './shape/bins.ts'
import { smallestCount, type Tally } from './tally.ts'
import type { Spread } from './topology.ts'
import type { World } from './world.ts'

/** A lot whose pods a later change may let onto bins that refused them. */
interface Guest {
  readonly lot: Lot
  /** By domain: how many of the party's bins, from the first on, have no room for it any more. */
  readonly full: Map<string, number>
}

/** Guests whose refusals depend on the same counts. */
interface Party {
  readonly spreads: readonly Spread[]
  readonly affinity: readonly Tally[]
  readonly guests: Set<Guest>
  /** All bins that were bought, by the domain of the spread over zones and the like, if there is one. */
  readonly bins: Map<string, Bin[]>
  /** How many of the purchases are in `bins`. */
  seen: number
  /** What the refusals depended on when the guests were last tried. */
  signs: readonly number[]
}

/**
 * Gives what to call after each purchase, which says whether it has placed anything: bins that were bought may take
 * pods whose spread or affinity had to wait for others. A bin without the resources for a lot never has them again, so
 * each lot forgets such bins.
 */
export function createRefill(
  demands: readonly Demand[],
  {
    purchases,
    cluster: { world, steps },
  }: { readonly purchases: readonly Purchase[]; readonly cluster: Cluster },
): () => boolean {
  const parties = partiesOf(demands, world)

  /** Puts pods of the lot into bins of a domain that is open to it. */
  function fillDomain({ lot, full }: Guest, domain: string, bins: readonly Bin[]): void {
    const first = full.get(domain) ?? 0
    let none = first
    for (let i = first; i < bins.length && waiting(lot) > 0; i++) {
      const bin = bins[i]
      if (bin && isWithin(lot.pod.requests, bin.free))
        notePlaced(lot, bin, fill(lot.pod, bin, waiting(lot), world))
      else if (none === i) none++
    }
    full.set(domain, none)
    steps.take(bins.length - first)
  }

  function refill(guest: Guest, { bins }: Party): boolean {
    const { lot } = guest
    const wide = wideSpread(world.topologyOf(lot.pod).spreads)
    const before = lot.placed
    for (const [domain, own] of bins) {
      if (!wide || takesOneMore(wide, domain)) fillDomain(guest, domain, own)
    }
    return lot.placed > before
  }

  function takeNote(party: Party): void {
    const key = wideSpread(party.spreads)?.tally.topologyKey
    for (; party.seen < purchases.length; party.seen++) {
      const bin = purchases[party.seen]?.bin
      if (bin) append(party.bins, key === undefined ? '' : (bin.labels[key] ?? ''), bin)
    }
  }

  function refillAll(party: Party): boolean {
    const signs = signsOf(party)
    if (signs.every((sign, i) => sign === party.signs[i])) return false
    party.signs = signs
    takeNote(party)
    let progress = false
    for (const guest of party.guests) {
      if (waiting(guest.lot) > 0 && refill(guest, party)) progress = true
      if (waiting(guest.lot) === 0) party.guests.delete(guest)
    }
    return progress
  }

  return () => {
    let hasPlaced = false
    for (let progress = true; progress; ) {
      progress = false
      for (const party of parties) if (party.guests.size > 0 && refillAll(party)) progress = true
      hasPlaced ||= progress
    }
    return hasPlaced
  }
}

/** The first spread over something wider than hosts. */
function wideSpread(spreads: readonly Spread[]): Spread | undefined {
  return spreads.find(({ tally }) => tally.topologyKey !== wellKnown.hostname)
}

function append(bins: Map<string, Bin[]>, domain: string, bin: Bin): void {
  const own = bins.get(domain)
  if (own) own.push(bin)
  else bins.set(domain, [bin])
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
    const { spreads, affinity } = world.topologyOf(lot.pod)
    if (spreads.length + affinity.length === 0) continue
    const ofSpreads = spreads.map(({ tally, minDomains }) => `${numberOf(tally)}/${minDomains}`)
    const key = [...ofSpreads, ...affinity.map(numberOf)].join()
    const party = parties.get(key) ?? {
      spreads,
      affinity,
      guests: new Set(),
      bins: new Map(),
      seen: 0,
      signs: [],
    }
    party.guests.add({ lot, full: new Map() })
    parties.set(key, party)
  }
  return [...parties.values()]
}

/** What can let pods onto a bin that refused them: as pods only come, nothing else does. */
function signsOf({ spreads, affinity }: Party): number[] {
  return [
    ...spreads.flatMap(({ tally, minDomains }) => [
      smallestCount(tally),
      tally.domains >= minDomains ? 1 : 0,
    ]),
    ...affinity.map(({ counts }) => counts.size),
  ]
}
