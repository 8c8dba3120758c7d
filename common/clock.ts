import { setTimeout as delay } from 'node:timers/promises'

/** Time as everything but `main.ts` sees it, so that tests can move it by hand. */
export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  now(): number
  /** Milliseconds of a counter that never goes back; its zero has no meaning. */
  monotonic(): number
  /** Resolves after `ms`; rejects with `signal.reason` as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** A signal that aborts after `ms` with a `TimeoutError`. It does not keep the process alive. */
  timeout(ms: number): AbortSignal
}

// Timers above 2^31-1 ms fire at once, so a longer sleep is made of several.
const longestTimerMs = 2 ** 31 - 1

/** The machine's own clock. */
export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    let left = ms
    do {
      try {
        await delay(Math.max(0, Math.min(left, longestTimerMs)), undefined, signal ? { signal } : {})
      } catch (error) {
        throw signal?.aborted ? signal.reason : error
      }
      left -= longestTimerMs
    } while (left > 0)
  },
  timeout: (ms) => AbortSignal.timeout(Math.min(Math.max(0, Math.ceil(ms)), longestTimerMs)),
}

/** Joins a deadline of `ms` to `signal`: aborts at whichever comes first. */
export function withDeadline(clock: Clock, ms: number, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, clock.timeout(ms)])
}

/** RFC 3339 text of a time in milliseconds since the epoch, in whole seconds as Kubernetes writes it. */
export function toTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** metav1.MicroTime: six digits after the second, for the API server takes no fewer. */
export function toMicroTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}

/** Milliseconds since the epoch of an RFC 3339 text or an HTTP date; undefined if absent or not a time. */
export function fromTimestamp(text: string | null | undefined): number | undefined {
  if (!text) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
