import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorText } from '../../common/errors.ts'
import { sendError, sendJson } from '../../common/http/reply.ts'
import {
  type RunningServer,
  type StartServer,
  startServer,
  type UnreadReason,
} from '../../common/http/server.ts'
import type { Logger } from '../../common/log.ts'
import type { ReportAnswer } from '../../common/report.ts'
import { createRateLimit } from '../token/rate.ts'
import { eventLoopLag } from './lag.ts'
import type { IngestMetrics, ReportResult } from './metrics.ts'
import { Refusal, resultOf, statusOf, type TakeDeps, takeReport } from './take.ts'

export interface IngestDeps extends Omit<TakeDeps, 'metrics' | 'admit'> {
  log: Logger
  metrics: IngestMetrics
  start?: StartServer
  /** Milliseconds the event loop runs late. */
  lagMs?: () => number
  random?: () => number
}

export interface IngestOptions {
  address: string
  certFile: string
  keyFile: string
  /** Between two looks at these files; default 10 s. */
  pollMs?: number
  reportIntervalMs: number
  /** Nodes whose pace is watched; default 20 000. */
  maxNodes?: number
}

const mostInFlight = 256
const latestMs = 100
const leastRetryAfterMs = 5_000
// An agent that starts anew, or comes back, has a few to tell at once; after that twice the pace is enough.
const burst = 6
const connectionLifeMs = 600_000

/**
 * Takes reports at `POST /v1/reports` over TLS 1.3 until stopped. Waits for a usable certificate; abort of `signal` ends
 * that wait and the reloading, while reports that are being read are taken to their end.
 */
export async function startIngest(
  deps: IngestDeps,
  { address, certFile, keyFile, pollMs, reportIntervalMs, maxNodes = 20_000 }: IngestOptions,
  signal: AbortSignal,
): Promise<RunningServer> {
  const { start = startServer, clock, metrics, log, lagMs = eventLoopLag(), random = Math.random } = deps
  const answer: ReportAnswer = { nextReportSeconds: reportIntervalMs / 1000 }
  const admit = createRateLimit(deps, { spacingMs: reportIntervalMs / 2, burst, maxKeys: maxNodes })
  const life = new AbortController()
  let inFlight = 0

  const count = (result: ReportResult) => metrics.agent_reports_total.inc({ result })

  async function handler(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = clock.monotonic()
    inFlight++
    try {
      if (inFlight > mostInFlight || lagMs() > latestMs) {
        throw new Refusal(503, 'busy', 'too busy for reports now')
      }
      await takeReport({ ...deps, admit }, request, life.signal)
      count('accepted')
      sendJson(response, 202, answer)
    } catch (error) {
      refuse(response, error)
    } finally {
      inFlight--
      metrics.report_duration_seconds.observe((clock.monotonic() - started) / 1000)
    }
  }

  function refuse(response: ServerResponse, error: unknown): void {
    const status = statusOf(error)
    if (status === undefined) {
      count('failed')
      throw error
    }
    const result = resultOf(error, status)
    count(result)
    log.debug('report refused', { result, detail: errorText(error) })
    sendError(response, error, { ...retryAfter(error, status), ...(status === 405 && { allow: 'POST' }) })
  }

  /** All who are sent away at once should not come back at once. */
  function retryAfter(error: unknown, status: number): { 'retry-after'?: string } {
    if (status !== 503 && status !== 429) return {}
    const asked = error instanceof Refusal ? (error.retryAfterMs ?? 0) : 0
    const ms = asked > 0 ? asked : leastRetryAfterMs + random() * reportIntervalMs
    return { 'retry-after': String(Math.ceil(ms / 1000)) }
  }

  const tls = { certFile, keyFile, minVersion: 'TLSv1.3' as const, ...(pollMs ? { pollMs } : {}) }
  const limits = { requestMs: 10_000, headersMs: 5_000, maxConnections: 20_000, connectionLifeMs }
  const onUnread = (reason: UnreadReason) => count(reason)
  const server = await start(deps, { name: 'ingest', address, handler, tls, limits, onUnread }, signal)
  return {
    ...server,
    async stop(stopLimits) {
      await server.stop(stopLimits)
      life.abort(new DOMException('the listener has stopped', 'AbortError'))
    },
  }
}
