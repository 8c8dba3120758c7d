import type { Bin } from './shape/bins.ts'
import type { PodClass } from './shape/classes.ts'

/** How many pods of one kind are in each domain of a topology. */
export interface Tally {
  /** Node label whose values are the domains. */
  readonly topologyKey: string
  /** Whether a pod of the class is counted. */
  counted(pod: PodClass): boolean
  /** Spreads only: whether a bin's domain is one; undefined where the label alone decides and none must be known. */
  readonly eligible: ((bin: Bin) => boolean) | undefined
  readonly counts: Map<string, number>
  /** Spreads only: bins in each domain. One that has none left stays with 0: trials come and go. */
  readonly members: Map<string, number>
  /** How many domains have bins. */
  domains: number
  total: number
  /** Smallest count of any domain, or undefined when it has to be found again. */
  smallest: number | undefined
}

export function createTally(parts: Pick<Tally, 'topologyKey' | 'counted' | 'eligible'>): Tally {
  return { ...parts, counts: new Map(), members: new Map(), domains: 0, total: 0, smallest: undefined }
}

/** The bin's domain; undefined if the tally knows none there. */
export function domainOf(tally: Tally, bin: Bin): string | undefined {
  const domain = bin.labels[tally.topologyKey]
  return domain !== undefined && tally.eligible && !tally.eligible(bin) ? undefined : domain
}

/** Notes `times` more pods (fewer if negative) in the bin. */
export function bump(tally: Tally, bin: Bin, times: number): void {
  const domain = domainOf(tally, bin)
  if (domain === undefined) return
  const before = tally.counts.get(domain) ?? 0
  tally.counts.set(domain, before + times)
  tally.total += times
  // A growing domain moves the minimum only if it was at it; a shrinking one may become it.
  if (times < 0 || before === tally.smallest) tally.smallest = undefined
}

/** A new bin may be a new domain, with nothing in it. */
export function openDomain(tally: Tally, bin: Bin): void {
  if (!tally.eligible) return
  const domain = domainOf(tally, bin)
  if (domain === undefined) return
  const members = tally.members.get(domain) ?? 0
  tally.members.set(domain, members + 1)
  if (members > 0) return
  tally.domains++
  tally.smallest = undefined
}

/** Undoes `openDomain`; the bin must be empty. */
export function closeDomain(tally: Tally, bin: Bin): void {
  if (!tally.eligible) return
  const domain = domainOf(tally, bin)
  if (domain === undefined) return
  const members = (tally.members.get(domain) ?? 1) - 1
  tally.members.set(domain, members)
  if (members > 0) return
  tally.domains--
  tally.smallest = undefined
}

/** The smallest count of any domain; infinite without domains. */
export function smallestCount(tally: Tally): number {
  if (tally.smallest === undefined) {
    let smallest = Number.POSITIVE_INFINITY
    for (const [domain, members] of tally.members) {
      if (members === 0) continue
      smallest = Math.min(smallest, tally.counts.get(domain) ?? 0)
      if (smallest === 0) break
    }
    tally.smallest = smallest
  }
  return tally.smallest
}
