import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../common/clock.ts'
import { errorText, InputError, TerminalError, TransientError } from '../common/errors.ts'
import { checkHeaders, parseJson, refusal } from '../common/http/body.ts'
import { sendJson } from '../common/http/reply.ts'
import type { Logger } from '../common/log.ts'
import { collectBody } from './body.ts'
import type { Budget } from './budget.ts'
import type { Deadlines } from './deadlines.ts'
import { decideReview } from './decide.ts'
import type { WebhookMetrics } from './metrics.ts'
import type { Review, ReviewDeps } from './paths.ts'
import { type AdmissionRequest, readReview, replyOf, type Verdict } from './review.ts'
import { RuleError } from './rule.ts'

export interface AnswerDeps extends ReviewDeps {
  log: Logger
  clock: Clock
  metrics: WebhookMetrics
  /** User name of our controller. */
  controller: string
}

export interface Route {
  path: string
  resource: string
  review: Review
}

/** Two objects of the API server's 3 MiB each, and what surrounds them. */
export const maxBodyBytes = 7 * 2 ** 20
const bodyMs = 5_000
const longestCallMs = 30_000
// The caller gives up at its time-out; an answer of ours must come before.
const marginMs = 100

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Makes the answer to the reviews of one path: read, parse, decide, count, reply. It never throws, and answers within
 * the time that the caller says it waits. What cannot be reviewed gets a status of 400 or more, never a denial: then
 * the failure policy decides.
 */
export function createAnswer(
  deps: AnswerDeps,
  { budget, deadlines }: { budget: Budget; deadlines: Deadlines },
  route: Route,
): Answer {
  const { clock, metrics } = deps
  return (request, response) => {
    const since = clock.monotonic()
    const call = { route, response, since, until: since + timeoutOf(request) - marginMs }
    let release: (() => void) | undefined
    try {
      checkHeaders(request, maxBodyBytes)
      // A body of unknown length may become as long as is allowed.
      release = budget.take(Number(request.headers['content-length'] ?? maxBodyBytes))
      if (!release) throw new TransientError('too many reviews at once', { code: 'Throttled', status: 503 })
    } catch (error) {
      fail(deps, call, undefined, error)
      return
    }
    metrics.webhook_requests_in_flight.inc()
    const giveUp = collectBody(request, maxBodyBytes, (body) => {
      inTime()
      answerBody(deps, call, body)
      metrics.webhook_requests_in_flight.dec()
      release()
    })
    const bodyUntil = since + bodyMs
    const inTime = deadlines.watch(Math.min(call.until, bodyUntil), () =>
      giveUp(call.until < bodyUntil ? late() : refusal(408, `body must arrive within ${bodyMs} ms`)),
    )
  }
}

interface Call {
  route: Route
  response: ServerResponse
  /** By `clock.monotonic()`: when it came, and when its answer is of no use any more. */
  since: number
  until: number
}

// The parsed review lives in here alone: what the request still refers to is kept until the next one on its
// connection, and a large review that outlives its answer costs as much again in garbage collection.
function answerBody(deps: AnswerDeps, call: Call, body: Buffer | Error): void {
  const { route, response, until } = call
  let admission: AdmissionRequest | undefined
  try {
    if (body instanceof Error) throw body
    admission = readReview(parseJson(body))
    const verdict = decideReview(deps, route.review, admission)
    if (deps.clock.monotonic() > until) throw late()
    note(deps, route, admission, verdict)
    count(deps, call, admission, verdict.violations.length === 0 ? 'allowed' : 'denied')
    send(response, JSON.stringify(replyOf(admission, verdict)))
  } catch (error) {
    fail(deps, call, admission, error)
  }
}

/** Ends the response with an error; the failure policy decides what comes of it. */
export function refuse(response: ServerResponse, status: number, error: string): void {
  if (!response.destroyed) sendJson(response, status, { error })
}

const late = () => new TransientError('the review took too long', { code: 'Timeout', status: 503 })

/** The API server says in the query how long it will wait. */
function timeoutOf({ url = '' }: IncomingMessage): number {
  const seconds = Number(/[?&]timeout=(\d+(?:\.\d+)?)s(?:&|$)/.exec(url)?.[1] ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds * 1000 : longestCallMs
}

function send(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

function count(
  { metrics, clock }: AnswerDeps,
  { route: { path, resource }, since }: Call,
  admission: AdmissionRequest | undefined,
  verdict: 'allowed' | 'denied' | 'failed',
): void {
  const operation = admission?.operation ?? 'UNKNOWN'
  const seconds = (clock.monotonic() - since) / 1000
  metrics.webhook_requests_total.inc({
    path,
    operation,
    verdict,
    dry_run: String(admission?.dryRun ?? false),
  })
  metrics.webhook_validation_duration_seconds.observe({ resource, operation, result: verdict }, seconds)
}

function fail(deps: AnswerDeps, call: Call, admission: AdmissionRequest | undefined, error: unknown): void {
  const { log, metrics } = deps
  const {
    response,
    route: { path },
  } = call
  count(deps, call, admission, 'failed')
  if (error instanceof InputError) {
    log.warn('not an admission review', { path, error: errorText(error) })
    refuse(response, 400, error.message)
  } else if (error instanceof TerminalError || error instanceof TransientError) {
    log.warn('review not answered', { path, uid: admission?.uid, error: errorText(error) })
    refuse(response, error.status ?? 503, error.message)
  } else {
    const rule = error instanceof RuleError ? error.rule : 'none'
    metrics.webhook_panics_total.inc({ rule })
    log.error('a review met a bug', { path, uid: admission?.uid, rule, error })
    refuse(response, 500, error instanceof RuleError ? error.message : 'internal error')
  }
}

/** Tells who was answered what; never the object, which may hold what nobody else should read. */
function note(
  { log, metrics, namespaces }: AnswerDeps,
  { resource }: Route,
  { uid, user, name, namespace, operation, dryRun }: AdmissionRequest,
  { violations, warnings }: Verdict,
): void {
  if (violations.length === 0 && !log.isDebugEnabled()) return
  const object = namespace ? `${namespace}/${name}` : name
  const fields = { uid, user: user.username, resource, object, operation, dryRun }
  if (violations.length === 0) {
    log.debug('allowed', { ...fields, warnings: warnings.length })
    return
  }
  log.info('denied', { ...fields, fields: violations.map(({ field, code }) => `${field}: ${code}`) })
  if (dryRun) return
  for (const { code } of violations) metrics.webhook_denials_total.inc({ resource, code })
  if (violations.some(({ field }) => field === 'metadata.namespace')) {
    const whose = namespaces.includes(namespace ?? '') ? 'own' : 'other'
    metrics.webhook_namespace_validation_rejections_total.inc({ resource_type: resource, namespace: whose })
  }
}
