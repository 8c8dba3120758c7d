import type { IncomingMessage, ServerResponse } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from '../../common/clock.ts'
import { errorText, hasCode, TerminalError, TransientError } from '../../common/errors.ts'
import { readJson } from '../../common/http/body.ts'
import { sendError, sendJson } from '../../common/http/reply.ts'
import { type RunningServer, type StartServer, startServer } from '../../common/http/server.ts'
import type { Logger } from '../../common/log.ts'
import { maxReportBytes, type ReportAnswer, reportPath } from '../../common/report.ts'
import type { Authenticate } from './auth.ts'
import type { IngestMetrics, ReportResult } from './metrics.ts'
import { readReport } from './schema.ts'
import type { UsageStore } from './store.ts'
import { bearerOf } from './token.ts'

export interface IngestDeps {
  log: Logger
  clock: Clock
  metrics: IngestMetrics
  usage: UsageStore
  authenticate: Authenticate
  /** The uid of a Node that is known; undefined if it is not. */
  uidOfNode: (node: string) => string | undefined
  start?: StartServer
  /** Milliseconds the event loop runs late. */
  lagMs?: () => number
}

export interface IngestOptions {
  address: string
  certFile: string
  keyFile: string
  /** Between two looks at these files; default 10 s. */
  pollMs?: number
  reportIntervalMs: number
}

/** What a report is answered, besides an accepted one. */
class Refusal extends TerminalError {
  readonly result: ReportResult

  constructor(status: number, result: ReportResult, message: string) {
    super(message, { code: 'Refused', status })
    this.result = result
  }
}

const bodyMs = 5_000
const mostInFlight = 256
const latestMs = 100
const retryAfterSeconds = 5

/** Takes reports at `POST /v1/reports` over TLS 1.3 until stopped. Waits for a usable certificate. */
export function startIngest(
  deps: IngestDeps,
  { address, certFile, keyFile, pollMs, reportIntervalMs }: IngestOptions,
  signal: AbortSignal,
): Promise<RunningServer> {
  const { start = startServer, metrics, log, lagMs = eventLoopLag() } = deps
  const answer: ReportAnswer = { nextReportSeconds: reportIntervalMs / 1000 }
  let inFlight = 0

  async function handler(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (inFlight >= mostInFlight || lagMs() > latestMs) {
      return refuse(response, new Refusal(503, 'busy', 'too busy for reports now'))
    }
    inFlight++
    try {
      await take(deps, request, signal)
      metrics.agent_reports_total.inc({ result: 'accepted' })
      sendJson(response, 202, answer)
    } catch (error) {
      refuse(response, error)
    } finally {
      inFlight--
    }
  }

  function refuse(response: ServerResponse, error: unknown): void {
    const status = statusOf(error)
    if (status === undefined) {
      metrics.agent_reports_total.inc({ result: 'failed' })
      throw error
    }
    const result = resultOf(error, status)
    metrics.agent_reports_total.inc({ result })
    log.debug('report refused', { result, detail: errorText(error) })
    const wait = status === 503 || status === 429 ? { 'retry-after': String(retryAfterSeconds) } : {}
    sendError(response, error, wait)
  }

  const tls = { certFile, keyFile, minVersion: 'TLSv1.3' as const, ...(pollMs ? { pollMs } : {}) }
  const limits = { requestMs: 10_000, headersMs: 5_000, maxConnections: 20_000 }
  return start(deps, { name: 'ingest', address, handler, tls, limits }, signal)
}

/** Checks and keeps one report; throws a `Refusal`, or what its parts throw. */
async function take(deps: IngestDeps, request: IncomingMessage, signal: AbortSignal): Promise<void> {
  const { clock, usage, authenticate, uidOfNode } = deps
  const [path] = (request.url ?? '').split('?')
  if (path !== reportPath) throw new Refusal(404, 'malformed', `reports go to ${reportPath}`)
  if (request.method !== 'POST') throw new Refusal(405, 'malformed', 'reports are sent with POST')
  const token = bearerOf(request.headers.authorization)
  if (!token) throw new Refusal(401, 'unauthenticated', 'a bearer token is needed')
  const speaker = await authenticate(token, signal)
  if (!speaker) throw new Refusal(401, 'unauthenticated', "the token is not an agent's")
  const report = readReport(
    await readJson({ clock }, request, { maxBytes: maxReportBytes, timeoutMs: bodyMs }, signal),
  )
  const uid = uidOfNode(report.node)
  const isOther = uid !== undefined && speaker.nodeUID !== undefined && uid !== speaker.nodeUID
  if (speaker.node !== report.node || isOther) {
    throw new Refusal(403, 'wrong-node', `the token speaks for another node than "${report.node}"`)
  }
  const verdict = usage.add(report)
  if (verdict === 'full') throw new Refusal(503, 'throttled', 'no more nodes can be kept')
  if (verdict !== 'accepted') {
    const why = verdict === 'superseded' ? 'a later start of the agent has reported' : 'seq must grow'
    throw new Refusal(409, verdict, why)
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof TerminalError || error instanceof TransientError ? error.status : undefined
}

const results: Readonly<Record<number, ReportResult>> = {
  408: 'too-slow',
  413: 'too-large',
  415: 'wrong-type',
  503: 'unverified',
}

function resultOf(error: unknown, status: number): ReportResult {
  if (error instanceof Refusal) return error.result
  if (hasCode(error, 'Throttled')) return 'throttled'
  return results[status] ?? 'malformed'
}

function eventLoopLag(): () => number {
  const histogram = monitorEventLoopDelay({ resolution: 20 })
  histogram.enable()
  return () => {
    const lag = histogram.percentile(50) / 1e6
    // Only the recent past counts.
    if (histogram.count > 250) histogram.reset()
    return lag
  }
}
