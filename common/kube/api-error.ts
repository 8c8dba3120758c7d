import { type ErrorCode, TerminalError, TransientError } from '../errors.ts'

/** metav1.Status, as far as an error of ours tells it. */
interface Status {
  reason?: string
  message?: string
  details?: { retryAfterSeconds?: number; causes?: { reason?: string }[] }
}

const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'BadInput',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'Invalid',
  406: 'Invalid',
  410: 'Gone',
  413: 'Invalid',
  415: 'Invalid',
  422: 'Invalid',
}

const longestMessage = 1000

/**
 * The error of a refused call. 429, 408 and 5xx may pass; everything else stays until something changes. Only the
 * Status' own words are told: never headers, and never a body that is no Status.
 */
export function apiError(
  call: string,
  status: number,
  body: unknown,
  retryAfter: string | undefined,
): TransientError | TerminalError {
  const { reason = '', message = '', details } = asStatus(body)
  const told = message ? `: ${message.slice(0, longestMessage)}` : ''
  const text = `${call} was refused with ${status}${reason ? ` ${reason}` : ''}${told}`
  const seconds = Number(retryAfter ?? details?.retryAfterSeconds ?? Number.NaN)
  const wait = Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}
  // The server knows no such version yet, and may never: after a restored backup they start lower. client-go lists anew.
  if (details?.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge'))
    return new TerminalError(text, { code: 'Gone', status })
  if (status === 429)
    return new TransientError(text, { code: 'Throttled', status, outcome: 'notSent', ...wait })
  if (status === 408 || status >= 500) {
    return new TransientError(text, { code: status === 504 ? 'Timeout' : 'ServerError', status, ...wait })
  }
  if (status === 409) {
    return new TerminalError(text, {
      code: reason === 'AlreadyExists' ? 'AlreadyExists' : 'Conflict',
      status,
    })
  }
  return new TerminalError(text, { code: codes[status] ?? 'Invalid', status })
}

/** The error that an ERROR event of a watch carries. */
export function watchError(object: unknown): TransientError | TerminalError {
  const { code } = (object ?? {}) as { code?: number }
  return apiError('watch', code ?? 500, object, undefined)
}

function asStatus(body: unknown): Status {
  const { kind } = (body ?? {}) as { kind?: unknown }
  return kind === 'Status' ? (body as Status) : {}
}

// Connection errors before anything was sent: repeating the call doubles nothing.
const unsent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/** The error of a call that got no answer, or none that could be read. */
export function connectionError(call: string, cause: unknown): TransientError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
  return new TransientError(`${call} got no answer`, {
    code: 'Unreachable',
    outcome: unsent.has(code) ? 'notSent' : 'unknown',
    cause,
  })
}
