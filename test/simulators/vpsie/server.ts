import type { IncomingHttpHeaders, RequestListener, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Clock } from '../../../common/clock.ts'
import type { DialectName } from '../../../controller/vpsie/dialect.ts'
import type { Auth } from './auth.ts'
import type { Cloud } from './cloud.ts'
import type { Fault, Faults, RequestName } from './faults.ts'
import { Refusal } from './model.ts'
import { type RouteContext, routeOf } from './routes.ts'

/** A request as it came in; nothing of its headers or body, so no secret. */
export interface LoggedRequest {
  at: number
  method: string
  path: string
  operation: RequestName | undefined
  /** Port of the client: tells connections apart. */
  clientPort: number | undefined
  /** What was answered; 0 if nothing was. */
  status: number
  fault?: Fault['kind']
}

export interface FaceDeps {
  cloud: Cloud
  faults: Faults
  auth: Auth
  clock: Clock
  dialect: DialectName
  identityInReply: boolean
  /** Rows a page of a list has; Infinity for lists that come whole. */
  perPage: number
  requests: LoggedRequest[]
  /** Called before and after the cloud is asked, so that its state is up to date and its timer is set anew. */
  refresh: () => void
}

export interface Answer {
  status: number
  body: string
  headers?: Record<string, string>
}

const prefixes: Readonly<Record<DialectName, string>> = { v2: '/v2', 'apps-v2': '/apps/v2' }
const vmPrefixes: Readonly<Record<DialectName, string>> = { v2: '/v2', 'apps-v2': '/api/v2' }

/** A request as it is read, whatever it came in by. */
export interface Asked {
  method: string
  path: string
  /** What follows the question mark. */
  query: string
  headers: IncomingHttpHeaders
  body: string
  clientPort?: number | undefined
}

/** Answers requests in one dialect; undefined stands for a connection that breaks. Never rejects for a refusal. */
export type Desk = (asked: Asked) => Promise<Answer | undefined>

/** The simulated VPSie without a network; paths with another dialect's prefix are unknown to it. */
export function createDesk(deps: FaceDeps): Desk {
  return async (asked) => {
    const { method, path, clientPort } = asked
    const logged: LoggedRequest = {
      at: deps.clock.now(),
      method,
      path,
      operation: undefined,
      clientPort,
      status: 0,
    }
    deps.requests.push(logged)
    const answer = await serve(deps, asked, logged)
    if (answer) logged.status = answer.status
    return answer
  }
}

/** The HTTP face of a desk. */
export function createFace(desk: Desk): RequestListener {
  return async (request, response) => {
    try {
      const { method = '', url = '/', headers, socket } = request
      const { pathname: path, search: query } = new URL(url, 'https://vpsie')
      const body = (await buffer(request)).toString('utf8')
      const answer = await desk({ method, path, query, headers, body, clientPort: socket.remotePort })
      if (answer) reply(response, answer)
      else response.destroy()
    } catch (error) {
      // A client that went away is no news; anything else is a mistake of the simulator, to be seen in the test.
      if (!request.aborted) response.writeHead(500).end(`simulator: ${error}`)
    }
  }
}

async function serve(deps: FaceDeps, asked: Asked, logged: LoggedRequest): Promise<Answer | undefined> {
  const act = plan(deps, asked, logged)
  const met = deps.faults.meet(logged.operation)
  if (!met) return act()
  const { fault, released } = met
  logged.fault = fault.kind
  switch (fault.kind) {
    case 'status':
      return failure(fault)
    case 'statusAfter':
      act()
      return failure(fault)
    case 'errorTrue':
      return { status: 200, body: envelope(fault.code, true, fault.message) }
    case 'body':
      act()
      return { status: 200, body: fault.body }
    case 'data':
      act()
      return { status: 200, body: JSON.stringify({ error: false, code: 200, data: fault.data }) }
    case 'twice': {
      const answer = act()
      const { length } = deps.cloud.machines
      act()
      for (const machine of deps.cloud.machines.slice(length)) machine.orderedBy = 'repeat'
      return answer
    }
    case 'slow':
      await deps.clock.sleep(fault.ms)
      return act()
    case 'late': {
      const answer = act()
      await deps.clock.sleep(fault.ms)
      return answer
    }
    case 'hang':
      await released
      return undefined
    case 'hold': {
      const answer = act()
      await released
      return answer
    }
    case 'resetAfter':
      act()
      return undefined
    case 'resetBefore':
      return undefined
  }
}

function failure({
  status,
  message = 'failed',
  body,
  headers,
}: Extract<Fault, { kind: 'status' | 'statusAfter' }>): Answer {
  return { status, body: body ?? envelope(status, true, message), ...(headers ? { headers } : {}) }
}

function reply(response: ServerResponse, { status, body, headers }: Answer): void {
  if (response.destroyed) return
  response
    .writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'simulated', ...headers })
    .end(body)
}

function envelope(code: number | undefined, error: boolean, message: string): string {
  return JSON.stringify({
    error,
    ...(code === undefined ? {} : { code }),
    message,
    ...(error ? { type: false } : {}),
  })
}

/** Finds out what is asked and notes it; the returned function carries it out. */
function plan(deps: FaceDeps, { method, query, headers, body }: Asked, logged: LoggedRequest): () => Answer {
  const isVM = logged.path.startsWith(`${vmPrefixes[deps.dialect]}/vm`)
  const prefix = `${(isVM ? vmPrefixes : prefixes)[deps.dialect]}/`
  if (!logged.path.startsWith(prefix)) return () => ({ status: 404, body: '<html>not found</html>' })
  const path = logged.path.slice(prefix.length - 1)
  if (method === 'POST' && path === '/auth/from/api') {
    logged.operation = 'authenticate'
    return () => logIn(deps, body)
  }
  const route = routeOf(method, path)
  logged.operation = route?.name
  return () => {
    if (!deps.auth.allows(headers)) return { status: 401, body: envelope(401, true, 'Invalid API token') }
    if (!route) return { status: 404, body: envelope(404, true, 'Path not found') }
    const asked = new URLSearchParams(query)
    return execute(deps, asked, (context) => route.act(context, parse(body)))
  }
}

function logIn({ auth }: FaceDeps, body: string): Answer {
  const form = new URLSearchParams(body)
  const issued = auth.issue(form.get('clientId'), form.get('clientSecret'))
  return issued
    ? { status: 200, body: JSON.stringify(issued) }
    : { status: 401, body: envelope(401, true, 'Invalid client credentials') }
}

function execute(deps: FaceDeps, query: URLSearchParams, act: (context: RouteContext) => unknown): Answer {
  deps.refresh()
  try {
    const data = act({ ...deps, now: deps.clock.now(), query })
    const page = Number(query.get('page') ?? 1)
    const shown = { error: false, code: 200, message: 'success', ...inPages(data, page, deps.perPage) }
    return { status: 200, body: JSON.stringify(shown) }
  } catch (error) {
    if (error instanceof Refusal)
      return { status: error.status, body: envelope(error.status, true, error.message) }
    throw error
  } finally {
    deps.refresh()
  }
}

function inPages(data: unknown, page: number, perPage: number): object {
  if (!Array.isArray(data) || perPage === Infinity) return { data }
  const rows = data.slice((page - 1) * perPage, page * perPage)
  const pages = Math.max(1, Math.ceil(data.length / perPage))
  const pagination = { total: data.length, count: rows.length, per_page: perPage, current_page: page }
  return { data: rows, pagination: { ...pagination, total_pages: pages } }
}

function parse(body: string): Record<string, unknown> {
  if (body === '') return {}
  const value: unknown = JSON.parse(body)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
