import type { Clock } from '../common/clock.ts'

/** Calls that are waited for, each until its own time. */
export interface Deadlines {
  /** Calls `onLate` once `clock.monotonic()` is past `at`, or up to 50 ms later, unless the function given back is called. */
  watch(at: number, onLate: () => void): () => void
}

const everyMs = 50

/** One look at all of them now and then, because a timer for each call would cost more than the check of an object. */
export function createDeadlines(clock: Clock): Deadlines {
  const open = new Set<{ at: number; onLate: () => void }>()
  let isLooking = false

  async function look(): Promise<void> {
    isLooking = true
    while (open.size > 0) {
      await clock.sleep(everyMs)
      const now = clock.monotonic()
      for (const each of open) {
        if (each.at > now) continue
        open.delete(each)
        each.onLate()
      }
    }
    isLooking = false
  }

  return {
    watch(at, onLate) {
      const each = { at, onLate }
      open.add(each)
      if (!isLooking) void look()
      return () => open.delete(each)
    },
  }
}
