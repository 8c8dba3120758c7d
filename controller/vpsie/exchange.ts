import type { Clock } from '../../common/clock.ts'
import { codeOf, hasCode, TransientError } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'
import type { Breaker, Pass } from './breaker.ts'
import type { ClockOffset } from './clock-offset.ts'
import { type Envelope, openEnvelope } from './envelope.ts'
import type { KnownSecrets } from './known-secrets.ts'
import type { Limiter } from './limiter.ts'
import type { Operation, VPSieMetrics } from './metrics.ts'
import type { HTTPReply, HTTPRequest, Transport } from './request.ts'

export interface ExchangeParts {
  transport: Transport
  breaker: Breaker
  limiter: Limiter
  known: KnownSecrets
  offset: ClockOffset
}

export interface ExchangeSpec<T> {
  operation: Operation
  request: HTTPRequest
  /** Texts that no message may contain. */
  secrets: readonly string[]
  /** Whether it may use the reserve of the rate limit. */
  lane: 'urgent' | 'normal'
  /** Longest wait for the rate limit, milliseconds. */
  longestWaitMs: number
  /** Harmless to repeat, so it may also probe a VPSie that was failing. */
  repeatable: boolean
  /** Takes what was asked for out of the reply; throws `BadReply`. */
  read: (envelope: Envelope) => T
}

// A longer `Retry-After` holds back the request that got it (see common/retry.ts), but not everything else.
const longestHoldMs = 60_000
// What speaks of VPSie being unwell. A refusal, even with HTTP status 500, is a sign of health.
const failures = ['Timeout', 'Unreachable', 'ServerError'] as const

/**
 * Sends one request and reads its reply: rate limit, circuit breaker, transport, envelope, reading, in this order.
 * Throws classified errors, or the signal's reason.
 */
export async function exchange<T>(
  deps: { clock: Clock; log: Logger; metrics: VPSieMetrics } & ExchangeParts,
  spec: ExchangeSpec<T>,
  signal: AbortSignal,
): Promise<T> {
  const { operation, lane, longestWaitMs } = spec
  const secrets = deps.known.with(spec.secrets)
  try {
    await deps.limiter.take(operation, lane, longestWaitMs, signal)
    const pass = deps.breaker.enter(spec.repeatable)
    return await judged(pass, signal, async () => {
      const reply = await send(deps, spec, signal)
      return spec.read(openEnvelope(operation, reply, secrets))
    })
  } catch (error) {
    if (signal.aborted && error === signal.reason) throw error
    deps.metrics.vpsie_api_errors_total.inc({ method: operation, error_type: codeOf(error) })
    if (hasCode(error, 'BadReply')) deps.metrics.vpsie_api_malformed_replies_total.inc({ method: operation })
    if (hasCode(error, 'Throttled') && error instanceof TransientError && error.status !== undefined) {
      deps.limiter.hold(Math.min(longestHoldMs, error.retryAfterMs ?? 0))
    }
    throw error
  }
}

/** True for a failure that may be gone at once. A bad reply comes again, and a breaker stays open for longer. */
export function isWorthRepeating(error: unknown): boolean {
  return error instanceof TransientError && !hasCode(error, 'BadReply', 'CircuitOpen')
}

async function judged<T>(pass: Pass, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  try {
    const result = await act()
    pass.succeeded()
    return result
  } catch (error) {
    if (hasCode(error, ...failures)) pass.failed()
    else if (signal.aborted) pass.dropped()
    else pass.succeeded()
    throw error
  }
}

async function send(
  {
    clock,
    log,
    metrics,
    transport,
    offset,
  }: { clock: Clock; log: Logger; metrics: VPSieMetrics } & ExchangeParts,
  { operation, request }: Pick<ExchangeSpec<unknown>, 'operation' | 'request'>,
  signal: AbortSignal,
): Promise<HTTPReply> {
  const startedAt = clock.monotonic()
  let status = 'none'
  try {
    const reply = await transport.send(request, signal)
    status = String(reply.status)
    if (reply.date !== undefined) offset.note(reply.date)
    return reply
  } finally {
    const ms = clock.monotonic() - startedAt
    metrics.vpsie_api_requests_total.inc({ method: operation, status })
    metrics.vpsie_api_request_duration_seconds.observe({ method: operation }, ms / 1000)
    log.debug('asked VPSie', { operation, status, ms: Math.round(ms) })
  }
}
