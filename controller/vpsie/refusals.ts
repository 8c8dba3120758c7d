import { type ErrorCode, type ErrorDetails, TerminalError, TransientError } from '../../common/errors.ts'

interface Refusal {
  code: ErrorCode
  form: RegExp
}

/**
 * What VPSie's messages mean, whatever the HTTP status: a plan limit arrives as HTTP 500. The order matters, a
 * "rate limit reached" is no quota. Sources: the messages that vpsieinc/vpsie-k8s-autoscaler, govpsie and
 * terraform-provider-vpsie know, and common wordings of empty accounts and empty shelves.
 */
export const refusals: readonly Refusal[] = [
  { code: 'Throttled', form: /too many requests|rate limit/i },
  { code: 'AlreadyExists', form: /has same selected size|already exists/i },
  {
    code: 'Quota',
    form: /exceeds the allowed limit|quota exceeded|plan does not allow|maximum number of|limit reached|subscription does not allow/i,
  },
  {
    code: 'InsufficientFunds',
    form: /insufficient (funds|balance|credit)|payment required|not enough (funds|credit|balance)/i,
  },
  {
    code: 'OutOfStock',
    form: /out of stock|sold out|(no|not enough|insufficient) (available |free )?(capacity|resources|stock|nodes available)/i,
  },
  { code: 'Unauthorized', form: /invalid (api )?token|token (has )?expired|unauthori[sz]ed/i },
  { code: 'NotFound', form: /not found|does not exist/i },
  { code: 'Conflict', form: /must be stopped before/i },
  { code: 'Invalid', form: /invalid parameters/i },
  { code: 'Refused', form: /lost in the clouds/i },
]

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'Invalid',
  401: 'Unauthorized',
  402: 'InsufficientFunds',
  403: 'Forbidden',
  404: 'NotFound',
  408: 'Timeout',
  409: 'Conflict',
  410: 'Gone',
  422: 'Invalid',
  429: 'Throttled',
}

const transient: ReadonlySet<ErrorCode> = new Set(['Throttled', 'ServerError', 'BadReply', 'Timeout'])

export interface FailedReply {
  /** What was asked, for the message. */
  what: string
  status: number
  /** The envelope's own `code`, where it has one. */
  envelopeCode?: number | undefined
  /** The envelope's message, already freed of secrets. */
  message: string
  retryAfterMs?: number | undefined
}

/**
 * The error of a reply that says no. Terminal means refused, nothing was done. A server error that no known
 * refusal explains leaves the outcome unknown; a request that was throttled was turned away at the door.
 */
export function refusalOf({
  what,
  status,
  envelopeCode,
  message,
  retryAfterMs,
}: FailedReply): TransientError | TerminalError {
  const code = codeOfReply(status, envelopeCode, message)
  const text = `${what}: VPSie answered ${status}${message ? `: ${message}` : ''}`
  const details: ErrorDetails = {
    code,
    status,
    outcome: code === 'Throttled' ? 'notSent' : 'unknown',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
  return transient.has(code) ? new TransientError(text, details) : new TerminalError(text, details)
}

// 1. HTTP statuses that say it all. 2. The words. 3. The status, that of the envelope where HTTP says 200.
function codeOfReply(status: number, envelopeCode: number | undefined, message: string): ErrorCode {
  if (status === 429) return 'Throttled'
  if (status === 401) return 'Unauthorized'
  const refusal = refusals.find(({ form }) => form.test(message))
  if (refusal) return refusal.code
  const told = status < 300 && envelopeCode !== undefined ? envelopeCode : status
  const known = byStatus[told]
  if (known) return known
  if (told >= 500) return 'ServerError'
  if (told >= 300 && told < 400) return 'BadReply'
  return 'Refused'
}
