import { once } from 'node:events'
import { Agent } from 'node:https'
import { connect } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { systemClock as clock } from '../../common/clock.ts'
import { createLogger } from '../../common/log.ts'
import { createMetrics, Registry } from '../../common/metrics.ts'
import { authenticateAgents } from '../../controller/ingest/auth.ts'
import { ingestMetrics } from '../../controller/ingest/metrics.ts'
import { startIngest } from '../../controller/ingest/server.ts'
import { createUsageStore, type UsageStore } from '../../controller/ingest/store.ts'
import { agentAccount, agentToken, believingClient } from '../fixtures/agent-token.ts'
import { makeCertificates } from '../fixtures/certificates.ts'
import { type Chance, chanceOf } from '../fixtures/chance.ts'
import { call } from '../fixtures/http.ts'
import { type Case, cases, type Witness } from './ingest-cases.ts'

export interface FuzzResult {
  runs: number
  /** Answers of 500, connections that ended without an answer, and errors that nobody caught. */
  crashes: number
  /** Reports that the contract refuses and that were taken, or that left a trace in the store. */
  wronglyAccepted: number
  /** Resident memory at the end, sender included, compared with half the way, when all code has been compiled. */
  rssGrowthMB: number
  /** Answers with another status than the contract's, by what was sent. */
  wronglyAnswered: Record<string, number>
}

const parallel = 16
const nodesEach = 4
const memoryBytes = 4 * 2 ** 30
// Short, so that no node is held back by its pace.
const reportIntervalMs = 100
const slowEach = 1000
const mostSlow = 20

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Sends `runs` reports over TLS, most of them wrong, and compares the answers with the contract's. */
export async function fuzzIngest(runs: number, seed: number): Promise<FuzzResult> {
  const ingest = await openIngest()
  const result: FuzzResult = { runs: 0, crashes: 0, wronglyAccepted: 0, rssGrowthMB: 0, wronglyAnswered: {} }
  const onUncaught = () => void result.crashes++
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught)
  const warmUp = Math.floor(runs / 2)
  try {
    const slow = Array.from({ length: Math.min(mostSlow, Math.floor(runs / slowEach)) }, () =>
      stall(ingest, result),
    )
    let rss = 0
    const lanes = Array.from({ length: parallel }, async (_, lane) => {
      const chance = chanceOf(seed + lane)
      const witnesses = witnessesOf(lane)
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      while (result.runs + slow.length < runs) {
        if (++result.runs === warmUp) rss = residentBytes()
        await one(ingest, agent, chance, witnesses, result)
      }
      agent.destroy()
    })
    await Promise.all([...lanes, ...slow])
    result.runs += slow.length
    result.rssGrowthMB = Math.round((residentBytes() - rss) / 1e5) / 10
    result.wronglyAccepted += tracesIn(ingest.usage)
    return result
  } finally {
    process.off('uncaughtException', onUncaught).off('unhandledRejection', onUncaught)
    await ingest.stop()
  }
}

type Ingest = Awaited<ReturnType<typeof openIngest>>

async function openIngest() {
  const files = await makeCertificates(['127.0.0.1'])
  const end = new AbortController()
  const log = createLogger({ level: 'error', format: 'text', component: 'ingest' })
  const metrics = createMetrics(new Registry(), ingestMetrics)
  const usage = createUsageStore(
    { clock },
    { reportIntervalMs, forgetAfterMs: 600_000, maxNodes: 2 * parallel * nodesEach },
  )
  const client = believingClient
  const server = await startIngest(
    {
      log,
      clock,
      metrics,
      usage,
      authenticate: authenticateAgents({ client, clock, log, metrics, hasPod: () => true }, agentAccount),
      nodeOf: (name) => ({ uid: `uid of ${name}`, memoryBytes }),
      lagMs: () => 0,
    },
    { address: '127.0.0.1:0', certFile: files.certFile, keyFile: files.keyFile, reportIntervalMs },
    end.signal,
  )
  return {
    usage,
    port: server.port,
    ca: files.ca,
    async stop() {
      end.abort()
      await server.stop({ lameDuckMs: 0, graceMs: 0 })
      await files.remove()
    },
  }
}

function witnessesOf(lane: number): Witness[] {
  return Array.from({ length: nodesEach }, (_, i) => {
    const node = `node-${lane}-${i}`
    return { node, uid: `uid of ${node}`, memoryBytes, starts: 0, seq: 0, earlier: [] }
  })
}

async function one(
  ingest: Ingest,
  agent: Agent,
  chance: Chance,
  witnesses: readonly Witness[],
  result: FuzzResult,
) {
  const witness = chance.of(witnesses)
  if (chance.happens(2)) startAnew(witness)
  const reason = chance.happens(15) ? 'good' : chance.of(Object.keys(cases))
  const made = { reason, ...cases[reason]?.(chance, witness) } as Case
  const status = await statusOf(ingest, agent, made)
  judge(result, made, status)
  if (status === 202) witness.seq++
}

function startAnew(witness: Witness): void {
  const earlier = witness.seq > 0 ? [witness.starts, ...witness.earlier] : witness.earlier
  Object.assign(witness, { starts: witness.starts + 1, seq: 0, earlier })
}

/** The status; undefined if the connection ended without one. */
async function statusOf(
  { port, ca }: Ingest,
  agent: Agent,
  { method = 'POST', path = '/v1/reports', headers = {}, body }: Case,
) {
  try {
    return (await call({ port, ca, agent, method, path, headers, body })).status
  } catch {
    return undefined
  }
}

function judge(
  result: FuzzResult,
  { reason, status: expected }: Pick<Case, 'reason' | 'status'>,
  status: number | undefined,
): void {
  if (status === undefined || status === 500) result.crashes++
  if (status === 202 && expected !== 202) result.wronglyAccepted++
  // A node that is held back by its pace learns nothing about what it sent.
  if (status !== expected && status !== 429) {
    const name = `${reason}: ${status} for ${expected}`
    result.wronglyAnswered[name] = (result.wronglyAnswered[name] ?? 0) + 1
  }
}

/** Sends a report that stops halfway. */
async function stall({ port, ca }: Ingest, result: FuzzResult): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', ca })
  const token = agentToken({ node: 'slow', uid: 'uid of slow' })
  socket.write(
    `POST /v1/reports HTTP/1.1\r\nHost: ingest\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"version"`,
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  judge(result, { reason: 'slow', status: 408 }, Number(answer.toString().split(' ')[1]))
  socket.destroy()
}

/** Nodes in the store that never reported anything right, and figures that no right report had. */
function tracesIn(usage: UsageStore): number {
  const limits = { windowMs: 3_600_000, cpuPercent: 50, memoryPercent: 50 }
  return usage.agents().filter(({ node }) => {
    const read = usage.read(node, limits)
    const isShare = (value: number) => value >= 0 && value <= 100
    const isGood = !read || (isShare(read.cpuPercent) && isShare(read.memoryPercent) && read.coverage <= 1)
    return !/^node-\d+-\d+$/.test(node) || !isGood
  }).length
}

function residentBytes(): number {
  collect()
  return process.memoryUsage.rss()
}
