import type { Clock } from '../../common/clock.ts'
import { TransientError } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'
import { breakerStates, type VPSieMetrics } from './metrics.ts'

export type BreakerState = (typeof breakerStates)[number]

export interface BreakerOptions {
  /** Failures in a row that open it. */
  failures: number
  /** Successful probes in a row that close it. */
  successes: number
  /** Milliseconds it stays open before the first probe. */
  openMs: number
}

/** Leave to send one request; exactly one of its functions is called, later calls do nothing. */
export interface Pass {
  succeeded(): void
  failed(): void
  /** The request ended without a verdict, because its caller gave up. */
  dropped(): void
}

export interface Breaker {
  readonly state: BreakerState
  /**
   * Throws a `TransientError` `CircuitOpen` with outcome `notSent` if nothing may be sent now. Half open, one
   * request at a time goes through, and only one that `mayProbe`: a paid call is no way to test the weather.
   */
  enter(mayProbe: boolean): Pass
}

/**
 * Leaves VPSie alone while it fails. Not cockatiel's breaker: that one reads the wall clock itself, lets callers
 * queue behind a probe, and takes a probe whose caller gave up for a success.
 */
export function createBreaker(
  deps: { clock: Clock; log: Logger; metrics: VPSieMetrics },
  options: BreakerOptions,
): Breaker {
  const { clock, log, metrics } = deps
  let state: BreakerState = 'closed'
  let failures = 0
  let successes = 0
  let reopensAt = 0
  let probing = false
  show()

  function show(): void {
    for (const name of breakerStates)
      metrics.vpsie_api_circuit_breaker_state.set({ state: name }, name === state ? 1 : 0)
  }

  function become(next: BreakerState): void {
    if (next === state) return
    metrics.vpsie_api_circuit_breaker_state_changes_total.inc({ from_state: state, to_state: next })
    log.warn('circuit breaker of the VPSie API', { from: state, to: next, failures })
    state = next
    failures = 0
    successes = 0
    show()
  }

  function open(): void {
    become('open')
    reopensAt = clock.monotonic() + options.openMs
    metrics.vpsie_api_circuit_breaker_opened_total.inc()
  }

  function reject(): never {
    metrics.vpsie_api_circuit_breaker_rejected_total.inc()
    const retryAfterMs = Math.max(0, reopensAt - clock.monotonic())
    const message = `not sent to VPSie: the circuit breaker is ${state} after failures in a row`
    throw new TransientError(message, { code: 'CircuitOpen', outcome: 'notSent', retryAfterMs })
  }

  // A request that began while closed may end after the breaker opened; its result then says nothing new.
  function closedPass(): Pass {
    return once({
      succeeded: () => {
        if (state === 'closed') failures = 0
      },
      failed: () => {
        if (state === 'closed' && ++failures >= options.failures) open()
      },
      dropped: () => {},
    })
  }

  function probePass(): Pass {
    probing = true
    metrics.vpsie_api_circuit_breaker_half_open_attempts_total.inc()
    return once({
      succeeded: () => {
        probing = false
        metrics.vpsie_api_circuit_breaker_half_open_successes_total.inc()
        if (++successes >= options.successes) become('closed')
      },
      failed: () => {
        probing = false
        metrics.vpsie_api_circuit_breaker_half_open_failures_total.inc()
        open()
      },
      dropped: () => {
        probing = false
      },
    })
  }

  return {
    get state() {
      return state
    },
    enter(mayProbe) {
      if (state === 'closed') return closedPass()
      if (!mayProbe) reject()
      if (state === 'open' && clock.monotonic() >= reopensAt) become('half-open')
      if (state === 'open' || probing) reject()
      return probePass()
    },
  }
}

function once(pass: Pass): Pass {
  let used = false
  const use = (act: () => void) => () => {
    if (!used) act()
    used = true
  }
  return { succeeded: use(pass.succeeded), failed: use(pass.failed), dropped: use(pass.dropped) }
}
