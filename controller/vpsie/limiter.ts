import type { Clock } from '../../common/clock.ts'
import { TransientError } from '../../common/errors.ts'
import type { Operation, VPSieMetrics } from './metrics.ts'

export interface LimiterOptions {
  /** Requests a minute, also the most at once. */
  perMinute: number
  /** Share of them, 0 to 1, that only urgent requests may use. */
  reserve: number
}

export interface Limiter {
  /**
   * Waits until a request may be sent. An urgent one has the reserve to itself and uses the rest when it is free,
   * so that lists never delay an order. Throws a `TransientError` `Throttled` with outcome `notSent` at once if the
   * wait would be longer than `longestMs`; abort of the signal gives the place back.
   */
  take(method: Operation, lane: 'urgent' | 'normal', longestMs: number, signal: AbortSignal): Promise<void>
  /** Nothing is sent for so long: VPSie answered 429 with `Retry-After`. */
  hold(ms: number): void
}

/** A rate limit for this process: 2 replicas have 2, but only the leader talks to VPSie. */
export function createLimiter(
  deps: { clock: Clock; metrics: VPSieMetrics },
  options: LimiterOptions,
): Limiter {
  const { clock, metrics } = deps
  const { perMinute, reserve } = options
  const reserved = createBucket(clock, Math.max(1, perMinute * reserve), (perMinute * reserve) / 60_000)
  const shared = createBucket(
    clock,
    Math.max(1, perMinute * (1 - reserve)),
    (perMinute * (1 - reserve)) / 60_000,
  )
  let heldUntil = -Infinity

  return {
    async take(method, lane, longestMs, signal) {
      signal.throwIfAborted()
      const bucket = lane === 'urgent' && (reserved.waitMs() === 0 || shared.waitMs() > 0) ? reserved : shared
      const waitMs = Math.max(bucket.waitMs(), heldUntil - clock.monotonic())
      if (waitMs > longestMs) {
        const details = { code: 'Throttled', outcome: 'notSent', retryAfterMs: waitMs } as const
        throw new TransientError('not sent to VPSie: our own rate limit is used up', details)
      }
      bucket.take()
      if (waitMs <= 0) return
      metrics.vpsie_api_rate_limited_total.inc({ method })
      metrics.vpsie_api_rate_limit_wait_duration_seconds.observe({ method }, waitMs / 1000)
      try {
        await clock.sleep(waitMs, signal)
      } catch (error) {
        bucket.giveBack()
        throw error
      }
    },
    hold(ms) {
      heldUntil = Math.max(heldUntil, clock.monotonic() + ms)
    },
  }
}

interface Bucket {
  /** How long one who comes now has to wait; 0 if a token is there. */
  waitMs(): number
  take(): void
  giveBack(): void
}

// Tokens may go below zero: each waiter takes its token at once and sleeps until it exists, so the queue is in
// order of arrival without being kept anywhere.
function createBucket(clock: Clock, capacity: number, perMs: number): Bucket {
  let tokens = capacity
  let at = clock.monotonic()
  const refill = () => {
    const now = clock.monotonic()
    tokens = Math.min(capacity, tokens + (now - at) * perMs)
    at = now
  }
  return {
    waitMs() {
      refill()
      return tokens >= 1 ? 0 : (1 - tokens) / perMs
    },
    take() {
      refill()
      tokens -= 1
    },
    giveBack() {
      refill()
      tokens = Math.min(capacity, tokens + 1)
    },
  }
}
