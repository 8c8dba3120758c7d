import type { Clock } from '../../common/clock.ts'

/**
 * What a leader remembers from pass to pass. Everything that must outlive it is on objects; this is what it knows
 * better than a timestamp can tell, because a wall clock may jump and a list may be late.
 */
export interface Memory {
  /**
   * How long, in milliseconds of a clock that never jumps, `what` has been so: since this was first asked and not
   * forgotten. A new leader starts anew, so it waits longer than necessary and never shorter.
   */
  patience(what: string): number
  forget(what: string): void
  /** Notes that machines of these identities have been seen, or are being deleted by us. */
  note(clusterID: string, identities: Iterable<string>): void
  /** Every identity of the cluster that has been noted lately. */
  noted(clusterID: string): ReadonlySet<string>
}

// Longer than any list is late and any machine takes.
const keptMs = 3_600_000

/** Makes an empty memory. */
export function createMemory({ monotonic }: Pick<Clock, 'monotonic'>): Memory {
  const since = new Map<string, { first: number; last: number }>()
  const clusters = new Map<string, Map<string, number>>()

  function prune(now: number): void {
    for (const [what, { last }] of since) if (now - last > keptMs) since.delete(what)
    for (const seen of clusters.values())
      for (const [identity, at] of seen) if (now - at > keptMs) seen.delete(identity)
  }

  return {
    patience(what) {
      const now = monotonic()
      const { first } = since.get(what) ?? { first: now }
      since.set(what, { first, last: now })
      return now - first
    },
    forget: (what) => void since.delete(what),
    note(clusterID, identities) {
      const now = monotonic()
      prune(now)
      const seen = clusters.get(clusterID) ?? new Map<string, number>()
      clusters.set(clusterID, seen)
      for (const identity of identities) seen.set(identity, now)
    },
    noted: (clusterID) => new Set(clusters.get(clusterID)?.keys()),
  }
}
