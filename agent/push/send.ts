import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { type Clock, withDeadline } from '../../common/clock.ts'
import { TerminalError, TransientError } from '../../common/errors.ts'
import { type Report, type ReportAnswer, reportPath } from '../../common/report.ts'
import type { Address } from './addresses.ts'
import type { Identity } from './files.ts'

/**
 * Sends a report. Gives the pace the controller asks for, in milliseconds, if it does. Throws `TransientError` for
 * what may pass (with `retryAfterMs`), `TerminalError` with code `Unauthorized` or `Forbidden` for a refused token,
 * and with another code for a report that will never be accepted.
 */
export type Send = (report: Report, identity: Identity, signal: AbortSignal) => Promise<number | undefined>

const withinMs = 10_000
const mostReplyBytes = 4096
// A connection is given up now and then, so that the fleet spreads anew over what has changed.
const socketLifeMs = 600_000

/** Makes the sender for one controller. Its connection is kept alive, and made anew when the trusted CAs change. */
export function createSend(
  { clock }: { clock: Clock },
  { host, port, servername, key }: Address,
): Send & { close(): void } {
  let agent: Agent | undefined
  let trusted = ''
  let bornAt = 0

  function agentFor(ca: string): Agent {
    const isOld = clock.monotonic() - bornAt > socketLifeMs
    if (agent && ca === trusted && !isOld) return agent
    agent?.destroy()
    trusted = ca
    bornAt = clock.monotonic()
    agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca,
      minVersion: 'TLSv1.3',
      ...(servername === undefined ? {} : { servername }),
    })
    return agent
  }

  const send: Send = async (report, { token, ca }, signal) => {
    const body = JSON.stringify(report)
    const deadline = withDeadline(clock, withinMs, signal)
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    try {
      const request = httpsRequest({
        agent: agentFor(ca),
        host,
        port,
        method: 'POST',
        path: reportPath,
        headers: {
          host: servername ?? key,
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
        signal: deadline,
      })
      request.on('response', resolve)
      request.on('error', reject)
      request.end(body)
      const response = await promise
      return answerOf(key, response, await readReply(response))
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error instanceof TransientError || error instanceof TerminalError) throw error
      const code = deadline.aborted ? 'Timeout' : 'Unreachable'
      throw new TransientError(`controller ${key} got no report`, { code, cause: error })
    }
  }
  return Object.assign(send, { close: () => agent?.destroy() })
}

async function readReply(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    if (text.length > mostReplyBytes) {
      response.destroy()
      break
    }
  }
  return text
}

function answerOf(
  key: string,
  { statusCode: status = 0, headers }: IncomingMessage,
  text: string,
): number | undefined {
  if (status === 202) return paceOf(text)
  const message = `controller ${key} answered ${status}: ${text.slice(0, 200)}`
  const seconds = Number(headers['retry-after'] ?? Number.NaN)
  const wait = Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {}
  if (status === 429 || status === 408 || status >= 500) {
    throw new TransientError(message, { code: status === 429 ? 'Throttled' : 'ServerError', status, ...wait })
  }
  const code = status === 401 ? 'Unauthorized' : status === 403 ? 'Forbidden' : 'Refused'
  throw new TerminalError(message, { code, status })
}

function paceOf(text: string): number | undefined {
  try {
    const { nextReportSeconds } = JSON.parse(text) as Partial<ReportAnswer>
    const seconds = Number(nextReportSeconds)
    return seconds >= 0.1 && seconds <= 600 ? seconds * 1000 : undefined
  } catch {
    return undefined
  }
}
