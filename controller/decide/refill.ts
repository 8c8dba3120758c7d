import type { Cluster } from './cluster.ts'
import type { Demand } from './demand.ts'
import { fill } from './fit/fit.ts'
import { takesOneMore } from './fit/topology-spread.ts'
import { type Lot, notePlaced, waiting } from './lots.ts'
import { isWithin } from './resources.ts'
import type { Purchase } from './scale-up.ts'
import type { Bin } from './shape/bins.ts'
import type { PodClass } from './shape/classes.ts'
import { smallestCount, type Tally } from './tally.ts'
import type { Spread } from './topology.ts'
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
  readonly spreads: readonly Spread[]
  readonly affinity: readonly Tally[]
  readonly guests: Set<Guest>
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

  function refill(guest: Guest): boolean {
    const { lot } = guest
    const isOpen = openDomains(lot.pod, world)
    if (!isOpen) return false
    for (; guest.seen < purchases.length; guest.seen++) {
      const bin = purchases[guest.seen]?.bin
      if (bin) guest.bins.push(bin)
    }
    guest.bins = guest.bins.filter(({ free }) => isWithin(lot.pod.requests, free))
    const before = lot.placed
    steps.take(guest.bins.length)
    for (const bin of guest.bins) {
      if (waiting(lot) === 0) break
      if (isOpen(bin)) notePlaced(lot, bin, fill(lot.pod, bin, waiting(lot), world))
    }
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
    let hasPlaced = false
    for (let progress = true; progress; ) {
      progress = false
      for (const party of parties) if (party.guests.size > 0 && refillAll(party)) progress = true
      hasPlaced ||= progress
    }
    return hasPlaced
  }
}

// A spread over more domains than this is over hosts, which are as many as the bins.
const fewDomains = 64

/** Says of a bin whether the pod's spreads over zones and the like leave its domain open; undefined if none is. */
function openDomains(pod: PodClass, world: World): ((bin: Bin) => boolean) | undefined {
  const open: { key: string; domains: ReadonlySet<string> }[] = []
  for (const spread of world.topologyOf(pod).spreads) {
    const { topologyKey, members, domains } = spread.tally
    if (domains > fewDomains) continue
    const found = new Set([...members.keys()].filter((domain) => takesOneMore(spread, domain)))
    if (found.size === 0) return undefined
    open.push({ key: topologyKey, domains: found })
  }
  return ({ labels }) => open.every(({ key, domains }) => domains.has(labels[key] ?? ''))
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
    const party = parties.get(key) ?? { spreads, affinity, guests: new Set(), signs: [] }
    party.guests.add({ lot, bins: [], seen: 0 })
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
