import { abortable } from '../../common/abortable.ts'
import type { Clock } from '../../common/clock.ts'

/**
 * Joins callers to one running `operation`. It runs under a deadline of its own, `longestMs`, because a caller that
 * gives up must not take the others' result away: its abort only ends its own waiting, with the signal's reason.
 */
export function createFlight<T>(
  { clock }: { clock: Clock },
  longestMs: number,
  operation: (signal: AbortSignal) => Promise<T>,
): (signal: AbortSignal) => Promise<T> {
  let running: Promise<T> | undefined
  return async (signal) => {
    signal.throwIfAborted()
    running ??= operation(clock.timeout(longestMs)).finally(() => {
      running = undefined
    })
    return abortable(running, signal)
  }
}
