import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express'
import type { Clock } from '../../common/clock.ts'
import { errorText, TerminalError, TransientError } from '../../common/errors.ts'
import type { CertificateOptions } from '../../common/http/certificate.ts'
import { sendJson, sendText } from '../../common/http/reply.ts'
import { type RunningServer, startServer } from '../../common/http/server.ts'
import type { Logger } from '../../common/log.ts'
import type { ExplainQuery } from '../explain/query.ts'
import { explanationText } from '../explain/text.ts'
import type { Records } from '../record/records.ts'
import { type Access, createAccess } from './access.ts'
import { explanationPage } from './markup/explanation.ts'
import type { Html } from './markup/html.ts'
import { layout } from './markup/layout.ts'
import { overview } from './markup/overview.ts'
import { problemPage, signInPage } from './markup/plain.ts'
import type { PageMetrics, PageResult } from './metrics.ts'
import { createSessions } from './sessions.ts'
import { createStreams, type Streams } from './stream.ts'
import type { View } from './view.ts'

export interface PageDeps {
  client: Parameters<typeof createAccess>[0]['client']
  log: Logger
  clock: Clock
  metrics: PageMetrics
  records: Pick<Records, 'last' | 'onDecision'>
  explain: ExplainQuery
  /** What there is to see, of what holds the query. */
  view: (query: string) => Promise<View>
}

export interface PageOptions {
  address: string
  viewers: readonly string[]
  /** Without it, in plain HTTP. */
  tls?: CertificateOptions
}

/** Serves the status page and `/v1` for people and their tools, read only, until stopped. */
export async function startPage(
  deps: PageDeps,
  { address, viewers, tls }: PageOptions,
  signal: AbortSignal,
): Promise<RunningServer> {
  const life = new AbortController()
  const access = createAccess(
    { ...deps, sessions: createSessions() },
    { viewers, isSecure: tls !== undefined },
    life.signal,
  )
  const streams = createStreams(deps)
  const app = createApp(deps, access, streams)
  const limits = { maxConnections: 256 }
  const server = await startServer(
    deps,
    { name: 'page', address, handler: app, limits, ...(tls && { tls }) },
    signal,
  )
  return {
    ...server,
    async stop(stopLimits) {
      streams.close()
      await server.stop(stopLimits)
      life.abort(new DOMException('the page has stopped', 'AbortError'))
    },
  }
}

const statics = { '/style.css': 'text/css', '/live.js': 'text/javascript', '/icon.svg': 'image/svg+xml' }
const longestQuery = 100

function createApp(deps: PageDeps, access: Access, streams: Streams): Express {
  const { log, metrics, view, explain } = deps
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  app.set('query parser', 'simple')
  app.use(withHeaders, withCount(metrics), onlyReading)

  for (const [path, type] of Object.entries(statics)) {
    const content = readFileSync(join(import.meta.dirname, 'static', path))
    app.get(
      path,
      (_, response) => void response.setHeader('content-type', `${type}; charset=utf-8`).end(content),
    )
  }
  app.get('/sign-in', (_, response) => sendPage(response, 200, 'Sign in', false, signInPage(undefined)))
  app.post(
    '/sign-in',
    sameOrigin,
    express.urlencoded({ extended: false, limit: '16kb' }),
    async (request, response) => {
      const { token } = (request.body ?? {}) as { token?: unknown }
      try {
        await access.signIn(request, response, typeof token === 'string' ? token.trim() : '')
        response.redirect(303, '/')
      } catch (error) {
        const { status = 500 } = error as { status?: number }
        if (status !== 401 && status !== 403 && status !== 429) throw error
        response.locals.result = resultOf(status)
        sendPage(response, status, 'Sign in', false, signInPage(errorText(error)))
      }
    },
  )
  app.post('/sign-out', sameOrigin, (request, response) => {
    access.signOut(request, response)
    response.redirect(303, '/sign-in')
  })

  app.use(access.guard)
  app.get('/', async (request, response) => {
    const query = String(request.query.q ?? '').slice(0, longestQuery)
    sendPage(response, 200, 'Status', true, overview(await view(query), query), true)
  })
  app.get('/explain', async (request, response) => {
    const explanation = await explain(request.query, goneOf(response))
    sendPage(response, 200, `${explanation.kind} ${explanation.name}`, true, explanationPage(explanation))
  })
  app.get('/events', (request, response) => {
    const check = () => access.check(request)
    if (!streams.open(response, check))
      throw new TransientError('too many pages are open', {
        code: 'Throttled',
        status: 503,
        retryAfterMs: 30_000,
      })
  })
  app.get('/v1/explain', async (request, response) => {
    const explanation = await explain(request.query, goneOf(response))
    if (request.accepts(['json', 'text']) === 'text') sendText(response, 200, explanationText(explanation))
    else sendJson(response, 200, explanation)
  })
  app.get('/v1/status', async (request, response) =>
    sendJson(response, 200, await view(String(request.query.q ?? '').slice(0, longestQuery))),
  )
  app.use((request) => {
    throw new TerminalError(`there is no page ${request.path.slice(0, 200)}`, {
      code: 'NotFound',
      status: 404,
    })
  })
  app.use(answerError(log))
  return app
}

// Everything comes from here, nothing is kept, nobody frames it.
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'interest-cohort=()',
  'cache-control': 'no-store',
}

const withHeaders: RequestHandler = (_, response, next) => {
  response.set(headers)
  next()
}

function withCount(metrics: PageMetrics): RequestHandler {
  return (_, response, next) => {
    response.once('close', () => {
      const { result = 'ok' } = response.locals as { result?: PageResult }
      metrics.page_requests_total.inc({ result })
    })
    next()
  }
}

const onlyReading: RequestHandler = ({ method, path }, response, next) => {
  const isForm = method === 'POST' && (path === '/sign-in' || path === '/sign-out')
  if (method === 'GET' || method === 'HEAD' || isForm) return next()
  response.setHeader('allow', 'GET, HEAD')
  throw new TerminalError('this page is only for reading', { code: 'BadInput', status: 405 })
}

/** Aborts when the asker goes before the answer is out. */
function goneOf(response: Response): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new DOMException('the asker has gone', 'AbortError'))
  })
  return gone.signal
}

/** Forms are sent by our own pages alone. Browsers without fetch metadata say the origin. */
const sameOrigin: RequestHandler = ({ headers: { origin, host, 'sec-fetch-site': site } }, _, next) => {
  const isOurs =
    site === undefined ? origin === undefined || URL.parse(origin)?.host === host : site === 'same-origin'
  if (!isOurs) throw new TerminalError('the form comes from another site', { code: 'Forbidden', status: 403 })
  next()
}

function answerError(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _) => {
    if (response.headersSent || response.destroyed) return void response.destroy()
    const { status = 500, retryAfterMs } = error as { status?: number; retryAfterMs?: number }
    if (status >= 500 && !(error instanceof TransientError))
      log.error('request failed', { server: 'page', error })
    response.locals.result = resultOf(status)
    if (retryAfterMs !== undefined) response.setHeader('retry-after', Math.ceil(retryAfterMs / 1000))
    const isPerson = !request.path.startsWith('/v1/') && request.accepts(['json', 'html']) === 'html'
    if (isPerson && status === 401) return response.redirect(303, '/sign-in')
    if (status === 401) response.setHeader('www-authenticate', 'Bearer realm="vpsie-autoscaler"')
    const message = status === 500 ? 'something went wrong here; see the log' : errorText(error)
    if (isPerson)
      sendPage(response, status, `Status ${status}`, status !== 403, problemPage(titleOf(status), message))
    else sendJson(response, status, statusOf(status, message))
  }
}

/** A failure as the API server tells its own, so that kubectl and clients of it show what it says. */
function statusOf(code: number, message: string) {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message }
}

function titleOf(status: number): string {
  if (status === 404) return 'Not found'
  if (status === 403) return 'Not allowed'
  return status === 503 ? 'Not now' : 'That did not work'
}

function resultOf(status: number): PageResult {
  if (status === 401) return 'unauthenticated'
  if (status === 403) return 'forbidden'
  if (status === 429) return 'throttled'
  if (status === 503) return 'unavailable'
  return status >= 500 ? 'failed' : 'invalid'
}

function sendPage(
  response: Response,
  status: number,
  title: string,
  isSignedIn: boolean,
  main: Html,
  isLive = false,
): void {
  const { text } = layout({ title, isSignedIn, isLive, main })
  response.status(status).type('html').send(text)
}
