import type { Clock } from '../../common/clock.ts'
import type { VPSieMetrics } from './metrics.ts'

/** How far the clock of VPSie is ahead of ours. */
export interface ClockOffset {
  /** Takes the `Date` of a reply that has just come, milliseconds since the epoch. */
  note(date: number): void
  /** By the last reply, to a second or so; undefined before the first. Negative if ours is ahead. */
  readonly ms: number | undefined
}

// `Date` has whole seconds, cut off (RFC 9110, 5.6.7).
const cutMs = 500

/** Makes one of which nothing is known. */
export function createClockOffset({ clock, metrics }: { clock: Clock; metrics: VPSieMetrics }): ClockOffset {
  let ms: number | undefined
  return {
    note(date) {
      ms = date + cutMs - clock.now()
      metrics.vpsie_api_clock_offset_seconds.set(ms / 1000)
    },
    get ms() {
      return ms
    },
  }
}
