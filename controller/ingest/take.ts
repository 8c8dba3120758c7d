import type { IncomingMessage } from 'node:http'
import { type Clock, fromTimestamp } from '../../common/clock.ts'
import { hasCode, TerminalError, TransientError } from '../../common/errors.ts'
import { readJson } from '../../common/http/body.ts'
import { maxReportBytes, type Report, reportPath } from '../../common/report.ts'
import type { Authenticate } from '../token/authenticate.ts'
import type { Admit } from '../token/rate.ts'
import { bearerOf } from '../token/token.ts'
import type { IngestMetrics, ReportResult } from './metrics.ts'
import { readReport } from './schema.ts'
import type { Speaker } from './speaker.ts'
import type { UsageStore } from './store.ts'

/** What the API server says of a Node. */
export interface KnownNode {
  uid?: string
  memoryBytes?: number
}

export interface TakeDeps {
  clock: Clock
  metrics: Pick<IngestMetrics, 'agent_reports_skewed_total'>
  usage: UsageStore
  authenticate: Authenticate<Speaker>
  /** Undefined for a Node that is not known, or not yet. */
  nodeOf: (name: string) => KnownNode | undefined
  admit: Admit
}

/** A report that is not taken, and how it is answered and counted. */
export class Refusal extends TerminalError {
  readonly result: ReportResult

  constructor(status: number, result: ReportResult, message: string, retryAfterMs?: number) {
    super(message, { code: 'Refused', status, ...(retryAfterMs !== undefined && { retryAfterMs }) })
    this.result = result
  }
}

const bodyMs = 5_000
// A kernel keeps some memory for itself before Kubernetes sees it, and hot-plugged memory is told late.
const mostMemoryDifference = 0.05
const mostSkewMs = 60_000

/** Checks and keeps one report. Throws a `Refusal`, or what its parts throw; then nothing is kept. */
export async function takeReport(
  deps: TakeDeps,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<void> {
  const speaker = await speakerOf(deps, request, signal)
  const body = await readJson(deps, request, { maxBytes: maxReportBytes, timeoutMs: bodyMs }, signal)
  const waitMs = deps.admit(speaker.node)
  if (waitMs > 0) {
    throw new Refusal(429, 'throttled', `node "${speaker.node}" has reported too often`, waitMs)
  }
  const report = readReport(body)
  checkNode(deps.nodeOf(report.node), speaker, report)
  keep(deps, report)
}

async function speakerOf(
  { authenticate }: TakeDeps,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<Speaker> {
  const [path] = (request.url ?? '').split('?')
  if (path !== reportPath) throw new Refusal(404, 'malformed', `reports go to ${reportPath}`)
  if (request.method !== 'POST') throw new Refusal(405, 'malformed', 'reports are sent with POST')
  const token = bearerOf(request.headers.authorization)
  if (!token) throw new Refusal(401, 'unauthenticated', 'a bearer token is needed')
  const speaker = await authenticate(token, signal)
  if (!speaker) throw new Refusal(401, 'unauthenticated', "the token is not an agent's")
  return speaker
}

function checkNode(known: KnownNode | undefined, speaker: Speaker, { node, memory }: Report): void {
  const isOther = known?.uid !== undefined && speaker.nodeUID !== undefined && known.uid !== speaker.nodeUID
  if (speaker.node !== node || isOther) {
    throw new Refusal(403, 'wrong-node', `the token speaks for another node than "${node}"`)
  }
  // A sandbox shows its own small machine in /proc, and an idle one at that.
  const { memoryBytes } = known ?? {}
  if (memoryBytes && Math.abs(memory.totalBytes / memoryBytes - 1) > mostMemoryDifference) {
    const message = `memory.totalBytes: must be within 5 % of the Node's ${memoryBytes}: it is ${memory.totalBytes}`
    throw new Refusal(400, 'wrong-machine', message)
  }
}

function keep({ clock, metrics, usage }: TakeDeps, report: Report): void {
  const verdict = usage.add(report)
  if (verdict === 'full') throw new Refusal(503, 'throttled', 'no more nodes can be kept')
  if (verdict !== 'accepted') {
    const why = verdict === 'superseded' ? 'a later start of the agent has reported' : 'seq must grow'
    throw new Refusal(409, verdict, why)
  }
  const skewMs = Math.abs((fromTimestamp(report.at) ?? clock.now()) - clock.now())
  if (skewMs > mostSkewMs) metrics.agent_reports_skewed_total.inc()
}

/** The status that an error is answered with; undefined for a bug of ours. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof TerminalError || error instanceof TransientError ? error.status : undefined
}

const results: Readonly<Record<number, ReportResult>> = {
  408: 'too-slow',
  413: 'too-large',
  415: 'wrong-type',
  503: 'unverified',
}

/** What an error with a status is counted as. */
export function resultOf(error: unknown, status: number): ReportResult {
  if (error instanceof Refusal) return error.result
  if (hasCode(error, 'Throttled')) return 'throttled'
  return results[status] ?? 'malformed'
}
