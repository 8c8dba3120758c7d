import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
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
  requests: LoggedRequest[]
  /** Called before and after the cloud is asked, so that its state is up to date and its timer is set anew. */
  refresh: () => void
}

interface Answer {
  status: number
  body: string
  headers?: Record<string, string>
}

const prefixes: Readonly<Record<DialectName, string>> = { v2: '/v2', 'apps-v2': '/apps/v2' }

/** The HTTP face of the simulated VPSie in one dialect; paths with another prefix are unknown to it. */
export function createFace(deps: FaceDeps): RequestListener {
  return async (request, response) => {
    const path = new URL(request.url ?? '/', 'https://vpsie').pathname
    const logged: LoggedRequest = {
      at: deps.clock.now(),
      method: request.method ?? '',
      path,
      operation: undefined,
      clientPort: request.socket.remotePort,
      status: 0,
    }
    deps.requests.push(logged)
    try {
      const body = await buffer(request)
      await serve(deps, request, response, body.toString('utf8'), logged)
    } catch (error) {
      // A client that went away is no news; anything else is a mistake of the simulator, to be seen in the test.
      if (!request.aborted) response.writeHead(500).end(`simulator: ${error}`)
    }
  }
}

async function serve(
  deps: FaceDeps,
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
  logged: LoggedRequest,
): Promise<void> {
  const act = plan(deps, request, body, logged)
  const met = deps.faults.meet(logged.operation)
  if (!met) return reply(response, logged, act())
  const { fault, released } = met
  logged.fault = fault.kind
  switch (fault.kind) {
    case 'status':
      return reply(response, logged, {
        status: fault.status,
        body: fault.body ?? envelope(fault.status, true, fault.message ?? 'failed'),
        ...(fault.headers ? { headers: fault.headers } : {}),
      })
    case 'errorTrue':
      return reply(response, logged, { status: 200, body: envelope(fault.code, true, fault.message) })
    case 'body':
      act()
      return reply(response, logged, { status: 200, body: fault.body })
    case 'data':
      act()
      return reply(response, logged, {
        status: 200,
        body: JSON.stringify({ error: false, code: 200, data: fault.data }),
      })
    case 'hang':
      await released
      return void response.destroy()
    case 'hold': {
      const answer = act()
      await released
      return reply(response, logged, answer)
    }
    case 'resetAfter':
      act()
      return void response.destroy()
    case 'resetBefore':
      return void response.destroy()
  }
}

function reply(response: ServerResponse, logged: LoggedRequest, { status, body, headers }: Answer): void {
  if (response.destroyed) return
  logged.status = status
  response
    .writeHead(status, { 'content-type': 'application/json', 'x-request-id': `sim-${logged.at}`, ...headers })
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
function plan(
  deps: FaceDeps,
  { method = '', headers }: IncomingMessage,
  body: string,
  logged: LoggedRequest,
): () => Answer {
  const prefix = `${prefixes[deps.dialect]}/`
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
    return execute(deps, (context) => route.act(context, parse(body)))
  }
}

function logIn({ auth }: FaceDeps, body: string): Answer {
  const form = new URLSearchParams(body)
  const issued = auth.issue(form.get('clientId'), form.get('clientSecret'))
  return issued
    ? { status: 200, body: JSON.stringify(issued) }
    : { status: 401, body: envelope(401, true, 'Invalid client credentials') }
}

function execute(deps: FaceDeps, act: (context: RouteContext) => unknown): Answer {
  deps.refresh()
  try {
    const data = act({ ...deps, now: deps.clock.now() })
    return { status: 200, body: JSON.stringify({ error: false, code: 200, message: 'success', data }) }
  } catch (error) {
    if (error instanceof Refusal)
      return { status: error.status, body: envelope(error.status, true, error.message) }
    throw error
  } finally {
    deps.refresh()
  }
}

function parse(body: string): Record<string, unknown> {
  if (body === '') return {}
  const value: unknown = JSON.parse(body)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
