import type { Clock } from './clock.ts'
import { TransientError } from './errors.ts'

export interface RetryOptions {
  /** Tries in all, the first included. Default 5; `Infinity` retries until the signal aborts. */
  attempts?: number
  /** Upper bound of the first wait, milliseconds; it doubles with each try. Default 200. */
  baseMs?: number
  /** Upper bound of any wait, milliseconds; a longer `Retry-After` is cut to it too. Default 30 000. */
  capMs?: number
  /** Decides whether an error is worth another try. Default: it is a `TransientError`. */
  retryable?: (error: unknown) => boolean
  /** Called before each wait, for logs and metrics. */
  onRetry?: (error: unknown, attempt: number, waitMs: number) => void
  /** Source of chance in [0, 1). */
  random?: () => number
}

/**
 * Wait before try `attempt + 1` with full jitter: uniform in [0, min(cap, base · 2^attempt)).
 * Source of the rule: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
export function fullJitter(attempt: number, baseMs: number, capMs: number, random: () => number): number {
  return random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30))
}

/**
 * Calls `operation` until it succeeds, fails for good or the tries are used up; rejects with the last error.
 * Only give it operations that are harmless to repeat. Abort of `signal` rejects with its reason.
 */
export async function retry<T>(
  clock: Clock,
  operation: (attempt: number) => Promise<T>,
  options: RetryOptions,
  signal: AbortSignal,
): Promise<T> {
  const { attempts = 5, baseMs = 200, capMs = 30_000, random = Math.random, onRetry } = options
  const { retryable = (error: unknown) => error instanceof TransientError } = options
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await operation(attempt)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (attempt + 1 >= attempts || !retryable(error)) throw error
      const asked = error instanceof TransientError ? error.retryAfterMs : undefined
      const waitMs = Math.min(capMs, Math.max(asked ?? 0, fullJitter(attempt, baseMs, capMs, random)))
      onRetry?.(error, attempt, waitMs)
      await clock.sleep(waitMs, signal)
    }
  }
}
