/**
 * Errors are classed by what the caller does next.
 * `TransientError`: try again with backoff. `TerminalError`: trying again cannot help until the input changes.
 * `InputError`: a value from outside is wrong; the message names the field, the value and what would be right.
 * Anything else is a bug and reaches the loop's single catch.
 */

/** Fixed codes of the errors this project raises; used in logs, metrics and conditions. */
export const errorCodes = [
  'Timeout',
  'Unreachable',
  'Throttled',
  'ServerError',
  'CircuitOpen',
  'BadReply',
  'Unauthorized',
  'Forbidden',
  'NotFound',
  'Conflict',
  'AlreadyExists',
  'Gone',
  'Invalid',
  'Refused',
  'Quota',
  'InsufficientFunds',
  'OutOfStock',
  'BadInput',
] as const

export type ErrorCode = (typeof errorCodes)[number]

export interface ErrorDetails {
  code: ErrorCode
  /** Milliseconds the other side asked us to wait, from `Retry-After`. */
  retryAfterMs?: number
  /** HTTP status of the reply, where there was one. */
  status?: number
  /** `notSent`: the request never left this process or was turned away unread, so repeating it doubles nothing. */
  outcome?: 'notSent' | 'unknown'
  cause?: unknown
}

abstract class ClassifiedError extends Error {
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined
  readonly status: number | undefined
  readonly outcome: 'notSent' | 'unknown'

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = details.code
    this.retryAfterMs = details.retryAfterMs
    this.status = details.status
    this.outcome = details.outcome ?? 'unknown'
  }
}

/** The same call may succeed later: time-outs, refused connections, 429, 5xx, an open breaker. */
export class TransientError extends ClassifiedError {
  override readonly name = 'TransientError'
}

/** The same call will fail again until its input or the outside world changes: 4xx, a refusal, a bad reply. */
export class TerminalError extends ClassifiedError {
  override readonly name = 'TerminalError'
}

/** A value from outside is wrong. `path` names where, as a user would write it (`spec.minNodes`, `--port`). */
export class InputError extends Error {
  override readonly name = 'InputError'
  readonly code = 'BadInput' satisfies ErrorCode
  readonly path: string

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options)
    this.path = path
  }
}

/** True if `error` carries one of the given codes. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): boolean {
  return (
    (error instanceof ClassifiedError || error instanceof InputError) &&
    codes.includes(error.code as ErrorCode)
  )
}

/** The code of an error for a metric's label; `Internal` for one that nobody classified, which is a bug of ours. */
export function codeOf(error: unknown): ErrorCode | 'Internal' {
  return error instanceof ClassifiedError || error instanceof InputError ? error.code : 'Internal'
}

/** True if `error` is the abort of `signal`, which is a shutdown and no failure. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error as Error | undefined)?.name === 'AbortError')
}

/**
 * The text of an error that may be logged, put in an event or a status: its message with those of its causes,
 * one line, cut at 500 characters. Never the stack, never a response body.
 */
export function errorText(error: unknown): string {
  const messages: string[] = []
  for (let at: unknown = error; at !== undefined && messages.length < 4; ) {
    messages.push(at instanceof Error ? at.message : String(at))
    at = at instanceof Error ? at.cause : undefined
  }
  return messages.join(': ').replace(/\s+/g, ' ').slice(0, 500)
}
