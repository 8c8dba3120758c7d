import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../common/clock.ts'
import { errorText, InputError, TerminalError, TransientError } from '../common/errors.ts'
import { readJson } from '../common/http/body.ts'
import { sendError, sendJson } from '../common/http/reply.ts'
import type { Logger } from '../common/log.ts'
import { decideReview } from './decide.ts'
import type { WebhookMetrics } from './metrics.ts'
import type { Review, ReviewDeps } from './paths.ts'
import { type AdmissionRequest, readReview, replyOf, type Verdict } from './review.ts'

export interface AnswerDeps extends ReviewDeps {
  log: Logger
  clock: Clock
  metrics: WebhookMetrics
  /** User name of our controller. */
  controller: string
}

interface Route {
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

/** Makes the answer to the reviews of one path: parse, decide, count, reply. It never rejects. */
export function createAnswer(
  deps: AnswerDeps,
  route: Route,
  signal: AbortSignal,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { clock } = deps
  const limits = { maxBytes: maxBodyBytes, timeoutMs: bodyMs }
  return async (request, response) => {
    const since = clock.monotonic()
    let admission: AdmissionRequest | undefined
    try {
      admission = readReview(await readJson({ clock }, request, limits, signal))
      const verdict = decideReview(deps, route.review, admission)
      if (clock.monotonic() - since > timeoutOf(request) - marginMs) {
        throw new TransientError('the review took too long', { code: 'Timeout', status: 503 })
      }
      note(deps, route, admission, verdict)
      count(deps, route, admission, verdict.violations.length === 0 ? 'allowed' : 'denied', since)
      sendJson(response, 200, replyOf(admission, verdict))
    } catch (error) {
      count(deps, route, admission, 'failed', since)
      fail(deps, route, admission, error, response)
    }
  }
}

/** Ends the response with an error; the failure policy decides what comes of it. */
export function refuse(response: ServerResponse, status: number, error: string): void {
  sendJson(response, status, { error })
}

/** The API server says in the query how long it will wait. */
function timeoutOf({ url = '' }: IncomingMessage): number {
  const seconds = Number(/[?&]timeout=(\d+(?:\.\d+)?)s(?:&|$)/.exec(url)?.[1] ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds * 1000 : longestCallMs
}

function count(
  { metrics, clock }: AnswerDeps,
  { path, resource }: Route,
  admission: AdmissionRequest | undefined,
  verdict: 'allowed' | 'denied' | 'failed',
  since: number,
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

function fail(
  { log, metrics }: AnswerDeps,
  { path }: Route,
  admission: AdmissionRequest | undefined,
  error: unknown,
  response: ServerResponse,
): void {
  if (error instanceof InputError) {
    log.warn('not an admission review', { path, error: errorText(error) })
    refuse(response, 400, error.message)
  } else if (error instanceof TerminalError || error instanceof TransientError) {
    log.warn('review not answered', { path, uid: admission?.uid, error: errorText(error) })
    if (!sendError(response, error)) refuse(response, 503, error.message)
  } else {
    metrics.webhook_panics_total.inc()
    log.error('a review met a bug', { path, uid: admission?.uid, error })
    refuse(response, 500, 'internal error')
  }
}

/** Tells who was answered what; never the object, which may hold what nobody else should read. */
function note(
  { log, metrics, namespaces }: AnswerDeps,
  { resource }: Route,
  { uid, user, name, namespace, operation, dryRun }: AdmissionRequest,
  { violations, warnings }: Verdict,
): void {
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
