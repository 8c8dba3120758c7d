import { type TerminalError, TransientError } from '../../common/errors.ts'
import { refusalOf } from './refusals.ts'
import type { HTTPReply } from './request.ts'

/** What VPSie wraps every reply in. `data` may be anything or absent, per call. */
export interface Envelope {
  data?: unknown
  [field: string]: unknown
}

const longestMessage = 200

/**
 * Opens a reply: gives its envelope, or throws the error it stands for (see `refusalOf`). HTTP 200 with `error: true`
 * is an error; HTTP 204 and an empty body are a success without data. `secrets` are blotted out of VPSie's message,
 * should it quote them. A reply that is no JSON object is a `TransientError` `BadReply`: after a paid call it
 * leaves the outcome unknown.
 */
export function openEnvelope(what: string, reply: HTTPReply, secrets: readonly string[]): Envelope {
  const succeeded = reply.status >= 200 && reply.status < 300
  if (succeeded && reply.body.trim() === '') return {}
  const envelope = parseObject(reply.body)
  if (!envelope) {
    if (!succeeded) throw refusal(what, reply, {}, secrets)
    const message = `${what}: VPSie answered ${reply.status} with a body that is no JSON object`
    throw new TransientError(message, { code: 'BadReply', status: reply.status })
  }
  if (!succeeded || saysError(envelope.error)) throw refusal(what, reply, envelope, secrets)
  return envelope
}

function parseObject(body: string): Envelope | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Envelope)
      : undefined
  } catch {
    // Whatever is wrong with the text, the caller reports it as no JSON object.
    return undefined
  }
}

// A boolean for most, 0 or 1 for some, a sentence for others.
function saysError(error: unknown): boolean {
  if (typeof error === 'string') return !['', '0', 'false'].includes(error.trim().toLowerCase())
  return error === true || (typeof error === 'number' && error !== 0)
}

function refusal(
  what: string,
  reply: HTTPReply,
  envelope: Envelope,
  secrets: readonly string[],
): TransientError | TerminalError {
  const { message, error, code } = envelope
  const text =
    typeof message === 'string' && message !== '' ? message : typeof error === 'string' ? error : ''
  const envelopeCode = Number(code ?? Number.NaN)
  return refusalOf({
    what,
    status: reply.status,
    envelopeCode: Number.isInteger(envelopeCode) ? envelopeCode : undefined,
    message: blot(text, secrets).replace(/\s+/g, ' ').slice(0, longestMessage),
    retryAfterMs: reply.retryAfterMs,
  })
}

/** Replaces every occurrence of a secret by `[redacted]`. */
export function blot(text: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (left, secret) => (secret === '' ? left : left.replaceAll(secret, '[redacted]')),
    text,
  )
}
