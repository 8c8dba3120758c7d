import { type Clock, withDeadline } from '../../common/clock.ts'
import { type ErrorDetails, errorText, hasCode, InputError, TransientError } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'
import { type RetryOptions, retry } from '../../common/retry.ts'
import { type Credentials, secretsOf } from './credentials.ts'
import { authHeaders, type Dialect } from './dialect.ts'
import type { Envelope } from './envelope.ts'
import { type ExchangeParts, exchange, isWorthRepeating } from './exchange.ts'
import type { Locator } from './locate.ts'
import type { Operation, VPSieMetrics } from './metrics.ts'
import type { TokenSource } from './token.ts'

/** One operation of the API, as the provider asks for it. */
export interface Call<T> {
  operation: Operation
  method: 'GET' | 'POST' | 'DELETE'
  /** Below the dialect's prefix, its variable parts already encoded. */
  path: string
  json?: unknown
  /** Where the dialects differ in more than the prefix: goes before `path` and `json`. */
  at?: (dialect: Dialect) => { prefix: string; path: string; json?: unknown }
  read: (envelope: Envelope, dialect: Dialect) => T
  /**
   * Harmless to repeat. Anything else is sent once, on a connection of its own, and soon or not at all; its errors
   * tell by `outcome` whether it can have had an effect.
   */
  repeatable: boolean
  urgent?: boolean
  /** Texts of its body that no message may contain. */
  secrets?: readonly string[]
}

export interface CallerDeps extends ExchangeParts {
  clock: Clock
  log: Logger
  metrics: VPSieMetrics
  tokens: TokenSource
  credentials: () => Credentials
  retryOptions: RetryOptions
}

// An order is written down before it is sent and must follow soon, whatever has to be done first.
const sendWithinMs = 5_000
const longestWaitMs = 60_000

/**
 * Makes a call with what it needs: retries where they are harmless, one renewal of a refused token. Rejects with a
 * `TransientError`, a `TerminalError` (refused, nothing was done) or, if it is repeatable, the signal's reason.
 */
export function call<T>(
  deps: CallerDeps,
  locate: Locator,
  request: Call<T>,
  signal: AbortSignal,
): Promise<T> {
  return request.repeatable
    ? callRepeatedly(deps, locate, request, signal)
    : callOnce(deps, locate, request, signal)
}

function callRepeatedly<T>(
  deps: CallerDeps,
  locate: Locator,
  request: Call<T>,
  signal: AbortSignal,
): Promise<T> {
  const options: RetryOptions = {
    ...deps.retryOptions,
    retryable: isWorthRepeating,
    onRetry: (error) => {
      deps.metrics.vpsie_api_retries_total.inc({ method: request.operation })
      deps.log.debug('asking VPSie again', { operation: request.operation, error: errorText(error) })
    },
  }
  const attempt = async () => {
    try {
      return await send(deps, locate, request, signal, signal)
    } catch (error) {
      if (!isRenewable(error)) throw error
      return send(deps, locate, request, signal, signal)
    }
  }
  return retry(deps.clock, attempt, options, signal)
}

async function callOnce<T>(
  deps: CallerDeps,
  locate: Locator,
  request: Call<T>,
  signal: AbortSignal,
): Promise<T> {
  const sent = { yet: false }
  const soon = withDeadline(deps.clock, sendWithinMs, signal)
  try {
    return await send(deps, locate, request, soon, signal, () => {
      sent.yet = true
    })
  } catch (error) {
    throw sent.yet ? afterSending(request, error, signal) : beforeSending(request, error, soon)
  }
}

async function send<T>(
  deps: CallerDeps,
  locate: Locator,
  request: Call<T>,
  readySignal: AbortSignal,
  signal: AbortSignal,
  onSent?: () => void,
): Promise<T> {
  const { operation, method, repeatable } = request
  const { base, dialect } = await locate(readySignal)
  const root = `${base}${dialect.prefix}`
  const { prefix, path, json } = request.at?.(dialect) ?? { ...request, prefix: dialect.prefix }
  const token = await deps.tokens.get(root, readySignal)
  readySignal.throwIfAborted()
  const spec = {
    operation,
    request: {
      method,
      url: `${base}${prefix}${path}`,
      headers: authHeaders(dialect, token),
      fresh: !repeatable,
      ...(json === undefined ? {} : { json }),
      ...(onSent ? { onSent } : {}),
    },
    secrets: [token, ...secretsOf(deps.credentials()), ...(request.secrets ?? [])],
    lane: request.urgent ? ('urgent' as const) : ('normal' as const),
    longestWaitMs: repeatable ? longestWaitMs : sendWithinMs,
    repeatable,
    read: (envelope: Envelope) => request.read(envelope, dialect),
  }
  try {
    const result = await exchange(deps, spec, signal)
    deps.tokens.accepted(token)
    return result
  } catch (error) {
    if (!hasCode(error, 'Unauthorized') || !deps.tokens.rejected(token)) throw error
    const details = { code: 'Unauthorized', status: 401, outcome: 'notSent', cause: error } as const
    throw new TransientError('VPSie no longer takes the access token', details)
  }
}

function isRenewable(error: unknown): boolean {
  return error instanceof TransientError && hasCode(error, 'Unauthorized')
}

// Whatever failed on the way (a log-in, the search for the dialect, a deadline) says nothing about the call itself.
function beforeSending({ operation }: { operation: Operation }, error: unknown, soon: AbortSignal): unknown {
  if (error instanceof TransientError) {
    const { code, status, retryAfterMs } = error
    const told = {
      ...(status === undefined ? {} : { status }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }
    return notSent(operation, { code, ...told, cause: error })
  }
  if (error instanceof InputError) return notSent(operation, { code: 'BadInput', cause: error })
  return isReasonOf(soon, error) ? notSent(operation, { code: 'Timeout', cause: error }) : error
}

function notSent(operation: Operation, details: ErrorDetails): TransientError {
  return new TransientError(`${operation} was not sent to VPSie`, { ...details, outcome: 'notSent' })
}

function afterSending({ operation }: { operation: Operation }, error: unknown, signal: AbortSignal): unknown {
  if (!isReasonOf(signal, error)) return error
  const details = { code: 'Timeout', outcome: 'unknown', cause: error } as const
  return new TransientError(`${operation} was given up before VPSie answered`, details)
}

function isReasonOf(signal: AbortSignal, error: unknown): boolean {
  return signal.aborted && error === signal.reason
}
