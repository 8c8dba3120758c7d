import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { abortable } from '../../common/abortable.ts'
import { type Clock, withDeadline } from '../../common/clock.ts'
import { TerminalError, TransientError } from '../../common/errors.ts'
import { type Report, reportPath } from '../../common/report.ts'
import type { Address } from './addresses.ts'
import { paceOf, readAnswer } from './answer.ts'
import type { Identity } from './identity.ts'

/** Sends reports to one controller, one at a time. */
export interface Sender {
  /**
   * Sends a report. Gives the pace the controller asks for, in milliseconds, if it does. Throws what `paceOf` throws of
   * an answer, and `TransientError` without one: `Timeout` or `Unreachable`, which a certificate that is not trusted
   * is too.
   */
  send(report: Report, identity: Identity, signal: AbortSignal): Promise<number | undefined>
  /** Ends its connection. */
  close(): void
}

export type CreateSender = (deps: { clock: Clock; random?: () => number }, address: Address) => Sender

const withinMs = 10_000
// A connection is given up now and then, so that the fleet spreads anew over what has changed; not all at once.
const socketLifeMs = 600_000
const socketLifeJitter = 0.2

/** Makes the sender for one controller. Its connection is kept alive, and made anew when the trusted CAs change. */
export const createSender: CreateSender = ({ clock, random = Math.random }, address) => {
  let agent: Agent | undefined
  let trusted = ''
  let endsAt = 0

  function agentFor(ca: string): Agent {
    const now = clock.monotonic()
    if (agent && ca === trusted && now < endsAt) return agent
    agent?.destroy()
    trusted = ca
    endsAt = now + socketLifeMs * (1 + socketLifeJitter * random())
    agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca,
      minVersion: 'TLSv1.3',
      // Said outright, because an environment variable could say otherwise.
      rejectUnauthorized: true,
      ...(address.servername === undefined ? {} : { servername: address.servername }),
    })
    return agent
  }

  return {
    async send(report, { token, ca }, signal) {
      const deadline = withDeadline(clock, withinMs, signal)
      try {
        const response = await post(agentFor(ca), address, token, JSON.stringify(report), deadline)
        return paceOf(address.key, await abortable(readAnswer(response), deadline), clock.now())
      } catch (error) {
        if (signal.aborted) throw signal.reason
        if (error instanceof TransientError || error instanceof TerminalError) throw error
        const code = deadline.aborted ? 'Timeout' : 'Unreachable'
        throw new TransientError(`controller ${address.key} got no report`, { code, cause: error })
      }
    },
    close: () => agent?.destroy(),
  }
}

function post(
  agent: Agent,
  { host, port, authority }: Address,
  token: string,
  body: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const headers = {
    host: authority,
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  const request = httpsRequest({ agent, host, port, method: 'POST', path: reportPath, headers, signal })
  request.on('response', resolve)
  request.on('error', reject)
  request.end(body)
  return promise
}
