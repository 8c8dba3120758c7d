import type { Clock } from '../../common/clock.ts'
import { RecentMap } from './recent.ts'

export interface RateLimits {
  /** Each key is let through this often on average, milliseconds. */
  spacingMs: number
  /** So many at once, after a pause that was long enough. */
  burst: number
  /** Keys that are remembered; of more, those that were silent longest are forgotten, and start anew. */
  maxKeys: number
}

/** Tells how many milliseconds a key has to wait; 0 lets it through and counts it. */
export type Admit = (key: string) => number

/** Makes a limit for each key by itself. It keeps one number a key: when it would be at rest again (GCRA). */
export function createRateLimit(
  { clock }: { clock: Clock },
  { spacingMs, burst, maxKeys }: RateLimits,
): Admit {
  const restAt = new RecentMap<number>(maxKeys)
  return (key) => {
    const now = clock.monotonic()
    const rest = Math.max(now, restAt.get(key) ?? now)
    const waitMs = rest - now - (burst - 1) * spacingMs
    if (waitMs > 0) return waitMs
    restAt.set(key, rest + spacingMs)
    return 0
  }
}
