import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DeleteOptions } from './deletion.ts'
import { discover } from './discovery.ts'
import { evict } from './eviction.ts'
import { type KubernetesFaults, statusFault } from './faults.ts'
import { apiVersionOf } from './kinds.ts'
import type { Pages } from './pages.ts'
import { isAllowed } from './rbac.ts'
import { type ApiRequest, readBody, readRequest, type Target, verbOf } from './request.ts'
import { badRequest, forbidden, methodNotAllowed, StatusError, unknownPath } from './status.ts'
import type { Store } from './store.ts'
import { type User, type Users, unauthorized } from './users.ts'
import { virtualResources } from './virtual.ts'
import type { Watches } from './watch.ts'
import type { Write, Writes } from './writes.ts'

export interface FaceDeps {
  store: Store
  users: Users
  writes: Writes
  watches: Watches
  faults: KubernetesFaults
  pages: Pages
}

/** The HTTP face of the simulated API server. */
export function createFace(deps: FaceDeps): (request: IncomingMessage, response: ServerResponse) => void {
  const virtuals = virtualResources(deps.store, deps.users)

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = readRequest(incoming, deps.store.kinds)
    const open = discover(request.path, deps.store.kinds)
    if (open !== undefined) return sendJson(response, 200, open)
    const user = authenticate(deps.users, incoming)
    const virtual = virtuals.get(request.path)
    const verb = verbOf(request)
    authorize(deps.store, user, verb, request)
    const body = await readBody(incoming)
    const outcome = await meetFault(deps, request, verb, user, response)
    if (outcome === 'done') return
    const reply = virtual
      ? { status: 201, body: virtual(body, user) }
      : await carryOut(deps, request, user, body, incoming, response)
    if (outcome === 'reset') response.destroy()
    else if (reply) sendJson(response, reply.status, reply.body)
  }

  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      const refusal =
        error instanceof StatusError ? error : new StatusError(500, 'InternalError', String(error))
      if (response.headersSent) return response.destroy()
      const seconds = refusal.details?.retryAfterSeconds
      if (seconds !== undefined) response.setHeader('retry-after', seconds)
      sendJson(response, refusal.code, refusal.toStatus())
    })
  }
}

function authenticate(users: Users, { headers }: IncomingMessage): User {
  const found = users.find(/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '')
  if (!found) throw unauthorized()
  return found.user
}

function authorize(store: Store, user: User, verb: string, { path, target, query }: ApiRequest): void {
  // Everybody may ask what they may do.
  if (path.endsWith('/selfsubjectaccessreviews')) return
  const wanted = target
    ? wantedOf(verb, target, query)
    : { verb, group: path.split('/')[2] ?? '', resource: path.split('/').at(-1) ?? '' }
  if (isAllowed(store, user, wanted)) return
  const { group, resource } = wanted
  const where = target?.namespace ? ` in the namespace "${target.namespace}"` : ' at the cluster scope'
  const why = `User "${user.username}" cannot ${verb} resource "${resource}" in API group "${group}"${where}`
  throw forbidden({ group, plural: resource }, target?.name ?? '', why)
}

function wantedOf(verb: string, { kind, namespace, name, subresource }: Target, query: URLSearchParams) {
  const resource = subresource ? `${kind.plural}/${subresource}` : kind.plural
  // A list of one object by its name counts as about that object (k8s.io/apiserver pkg/endpoints/request).
  const selected = /^metadata\.name=([^,]+)$/.exec(query.get('fieldSelector') ?? '')?.[1]
  return { verb, group: kind.group, resource, namespace, name: name ?? selected }
}

async function meetFault(
  { faults }: FaceDeps,
  { target }: ApiRequest,
  verb: string,
  { username }: User,
  response: ServerResponse,
): Promise<'go' | 'reset' | 'done'> {
  const { plural = '' } = target?.kind ?? {}
  const fault = faults.meet({
    verb,
    plural,
    username,
    ...(target?.subresource ? { subresource: target.subresource } : {}),
  })
  if (!fault) return 'go'
  if (fault.kind === 'status') throw statusFault(fault)
  if (fault.kind === 'delay') {
    await new Promise((resolve) => setTimeout(resolve, fault.ms))
    return 'go'
  }
  if (fault.kind === 'reset' && fault.carriedOut) return 'reset'
  if (fault.kind === 'reset') response.destroy()
  return 'done'
}

interface Reply {
  status: number
  body: unknown
}

async function carryOut(
  deps: FaceDeps,
  request: ApiRequest,
  user: User,
  body: unknown,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<Reply | undefined> {
  const { target, query } = request
  if (!target) throw unknownPath()
  const { store, writes, users } = deps
  const { kind, namespace, name, subresource } = target
  const write: Write = {
    kind,
    name: { name: name ?? '', namespace },
    subresource,
    user,
    dryRun: isDryRun(query, request.method, body),
    fieldValidation: (query.get('fieldValidation') ?? 'Warn') as Write['fieldValidation'],
    warn: (text) => response.appendHeader('warning', `299 - ${JSON.stringify(text)}`),
  }
  if (subresource === 'eviction' && request.method === 'POST') {
    evict(store, write.name, (body as { deleteOptions?: DeleteOptions })?.deleteOptions ?? {})
    return { status: 201, body: { kind: 'Status', apiVersion: 'v1', status: 'Success', code: 201 } }
  }
  if (subresource === 'binding' && request.method === 'POST')
    return { status: 201, body: bind(store, write, body) }
  if (subresource === 'token' && request.method === 'POST')
    return { status: 201, body: token(users, write, body) }
  if (subresource && subresource !== 'status') throw unknownPath()
  if (subresource === 'status' && !kind.status) throw unknownPath()
  switch (request.method) {
    case 'GET':
      if (name) return { status: 200, body: store.get(kind.plural, write.name) }
      return verbOf(request) === 'watch'
        ? watch(deps, request, target, response)
        : { status: 200, body: list(deps, request, target) }
    case 'POST':
      if (name) throw methodNotAllowed()
      return { status: 201, body: await writes.create(write, body) }
    case 'PUT':
      return { status: 200, body: await writes.update(write, body) }
    case 'PATCH':
      return {
        status: 200,
        body: await writes.patch(write, body, incoming.headers['content-type'] ?? ''),
      }
    case 'DELETE':
      if (!name) throw methodNotAllowed()
      return { status: 200, body: writes.delete(write, (body as DeleteOptions) ?? {}) }
    default:
      throw methodNotAllowed()
  }
}

/** A deletion may say so in its body. */
function isDryRun(query: URLSearchParams, method: string, body: unknown): boolean {
  const { dryRun = [] } = (method === 'DELETE' ? (body as { dryRun?: string[] }) : undefined) ?? {}
  return query.get('dryRun') === 'All' || dryRun.includes('All')
}

function list({ store, pages }: FaceDeps, { query }: ApiRequest, { kind, namespace }: Target): object {
  const selectors = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
  }
  const limit = Number(query.get('limit') ?? 0)
  const token = query.get('continue')
  const page = token
    ? pages.next(token, limit)
    : pages.first(store.list(kind.plural, { namespace, ...selectors }), store.revision, limit)
  return {
    apiVersion: apiVersionOf(kind),
    kind: `${kind.kind}List`,
    metadata: {
      resourceVersion: String(page.revision),
      ...(page.continue ? { continue: page.continue, remainingItemCount: page.remaining } : {}),
    },
    items: page.items,
  }
}

function watch(
  { store, watches }: FaceDeps,
  { query }: ApiRequest,
  { kind, namespace }: Target,
  response: ServerResponse,
): undefined {
  watches.open(
    store,
    kind,
    {
      namespace,
      labelSelector: query.get('labelSelector') ?? '',
      fieldSelector: query.get('fieldSelector') ?? '',
      // Absent or 0: from what there is.
      resourceVersion: Number(query.get('resourceVersion') ?? 0),
      bookmarks: query.get('allowWatchBookmarks') === 'true',
      timeoutMs: Number(query.get('timeoutSeconds') ?? 1800) * 1000,
    },
    response,
  )
}

function bind(store: Store, { name }: Write, body: unknown): object {
  const { target } = body as { target?: { name?: string } }
  if (!target?.name) throw badRequest('target.name is required')
  store.patch('pods', name, { spec: { nodeName: target.name } })
  return { kind: 'Status', apiVersion: 'v1', status: 'Success', code: 201 }
}

interface TokenRequestBody {
  spec?: { audiences?: string[]; expirationSeconds?: number; boundObjectRef?: { kind: string; name: string } }
}

function token(users: Users, { name }: Write, body: unknown): object {
  const { spec = {} } = body as TokenRequestBody
  const { token, expiresAt } = users.request({
    namespace: name.namespace ?? '',
    serviceAccount: name.name,
    audience: spec.audiences?.[0],
    pod: spec.boundObjectRef?.kind === 'Pod' ? spec.boundObjectRef.name : undefined,
    expirationSeconds: spec.expirationSeconds,
  })
  const status = { token, expirationTimestamp: new Date(expiresAt).toISOString() }
  return { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec, status }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
