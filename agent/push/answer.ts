import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { type ErrorCode, TerminalError, TransientError } from '../../common/errors.ts'
import { readRetryAfter } from '../../common/http/retry-after.ts'
import type { ReportAnswer } from '../../common/report.ts'

/** What a controller answered: its status, headers and at most some of its text. */
export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

const mostChars = 4096
// What a controller may ask for; anything else is a mistake of it and not followed.
const paceBounds = { least: 0.1, most: 600 }
const mostRetryAfterSeconds = 600

/** Reads a response to its end, or until it is longer than an answer can be; the rest is cut off. */
export async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const { statusCode: status = 0, headers } = response
  let text = ''
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    if (text.length > mostChars) break // leaving the loop destroys the response
  }
  return { status, headers, text: text.slice(0, mostChars) }
}

/**
 * The pace that an accepting answer asks for, in milliseconds, if it does. Throws `TransientError` for what may pass,
 * with `retryAfterMs`; `TerminalError` with code `Unauthorized` or `Forbidden` for a refused token, `Conflict` for a
 * report that comes too late, and another code for one that will never be accepted. `now` is in milliseconds.
 */
export function paceOf(key: string, { status, headers, text }: Answer, now: number): number | undefined {
  const body = parse(text)
  if (status === 202) {
    const seconds = Number(body.nextReportSeconds)
    return seconds >= paceBounds.least && seconds <= paceBounds.most ? seconds * 1000 : undefined
  }
  const reason = typeof body.error === 'string' ? `: ${body.error.slice(0, 200)}` : ''
  const message = `controller ${key} answered ${status}${reason}`
  if (status === 408 || status === 429 || status >= 500) {
    const code = status === 429 ? 'Throttled' : status === 408 ? 'Timeout' : 'ServerError'
    throw new TransientError(message, { code, status, ...retryAfterOf(headers['retry-after'], now) })
  }
  throw new TerminalError(message, { code: refusals[status] ?? 'Refused', status })
}

const refusals: Readonly<Record<number, ErrorCode>> = {
  400: 'BadInput',
  401: 'Unauthorized',
  403: 'Forbidden',
  409: 'Conflict',
}

/** What a controller asks for, within bounds. */
function retryAfterOf(text: string | undefined, now: number): { retryAfterMs?: number } {
  const ms = readRetryAfter(text, now) ?? 0
  return ms > 0 ? { retryAfterMs: Math.min(ms, mostRetryAfterSeconds * 1000) } : {}
}

function parse(text: string): Partial<ReportAnswer> & { error?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as object
  } catch {
    return {} // an answer without a body that we understand says what its status says
  }
}
