import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import type { Clock } from '../../../common/clock.ts'
import { agentToken } from '../../fixtures/agent-token.ts'
import { report } from '../../fixtures/report.ts'

/** Agents that report at their own moments of the interval, each over a connection of its own. */
export interface Fleet {
  /** Milliseconds from a report to its answer, since they were last taken. */
  takeLatencies(): number[]
  /** Answers other than 202, and connections that broke. */
  readonly failures: number
  stop(): void
}

export interface FleetOptions {
  nodes: number
  intervalMs: number
  /** A multiple of the interval, so that their moments stay spread over it. */
  connectMs: number
  port: number
  ca: string
}

/** Starts them; each connects at its first report, within `connectMs`. */
export function startAgents(
  { clock }: { clock: Clock },
  { nodes, intervalMs, connectMs, port, ca }: FleetOptions,
): Fleet {
  const end = new AbortController()
  let latencies: number[] = []
  let failures = 0

  async function live(i: number): Promise<void> {
    const node = `node-${i}`
    const token = agentToken({ node, expiresAt: Date.now() + 3_600_000 })
    await clock.sleep((i / nodes) * connectMs, end.signal)
    const socket = connect({ port, host: '127.0.0.1', ca, minVersion: 'TLSv1.3' })
    end.signal.addEventListener('abort', () => socket.destroy())
    for (let seq = 1, at = clock.monotonic(); !end.signal.aborted; seq++) {
      const started = performance.now()
      const status = await post(socket, port, token, JSON.stringify(report({ node, seq })))
      latencies.push(performance.now() - started)
      if (status !== 202) failures++
      at += intervalMs
      await clock.sleep(at - clock.monotonic(), end.signal)
    }
  }

  const fail = () => {
    if (!end.signal.aborted) failures++
  }
  for (let i = 0; i < nodes; i++) live(i).catch(fail)
  return {
    takeLatencies() {
      const taken = latencies
      latencies = []
      return taken
    },
    get failures() {
      return failures
    },
    stop: () => end.abort(),
  }
}

/** One report as an agent sends it; the client of Node would take more CPU than what is measured. */
async function post(socket: TLSSocket, port: number, token: string, body: string): Promise<number> {
  socket.write(
    `POST /v1/reports HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return Number(answer.toString('latin1', 9, 12))
}
