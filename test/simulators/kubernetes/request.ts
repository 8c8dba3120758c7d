import type { IncomingMessage } from 'node:http'
import type { Kind } from './kinds.ts'
import type { Registry } from './registry.ts'
import { badRequest } from './status.ts'

/** A request as its path says. */
export interface ApiRequest {
  method: string
  path: string
  query: URLSearchParams
  /** Undefined: no path of a kind that is known. */
  target: Target | undefined
}

export interface Target {
  kind: Kind
  namespace: string | undefined
  name: string | undefined
  subresource: string | undefined
}

export function readRequest({ url = '/', method = 'GET' }: IncomingMessage, kinds: Registry): ApiRequest {
  const { pathname, searchParams } = new URL(url, 'https://kubernetes')
  return { method, path: pathname, query: searchParams, target: targetOf(pathname, kinds) }
}

function targetOf(path: string, kinds: Registry): Target | undefined {
  const parts = path.split('/').filter(Boolean).map(decodeURIComponent)
  const [group = '', version = ''] = parts[0] === 'api' ? ['', parts[1]] : [parts[1], parts[2]]
  if (parts[0] !== 'api' && parts[0] !== 'apis') return undefined
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3)
  // `namespaces/x/pods` is about pods, `namespaces/x` and `namespaces/x/status` about the namespace itself.
  const isScoped = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status'
  const namespace = isScoped ? rest[1] : undefined
  const [plural = '', name, subresource] = isScoped ? rest.slice(2) : rest
  const kind = kinds.find(group, version, plural)
  return kind && { kind, namespace, name, subresource }
}

/** The verb RBAC knows the request by. */
export function verbOf({ method, query, target }: ApiRequest): string {
  const watches = query.get('watch') === 'true' || query.get('watch') === '1'
  const reads = target?.name ? 'get' : watches ? 'watch' : 'list'
  const verbs: Record<string, string> = {
    GET: reads,
    HEAD: reads,
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: 'delete',
  }
  return verbs[method] ?? method.toLowerCase()
}

const mostBytes = 3 * 2 ** 20

export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > mostBytes) throw badRequest('the request is too large')
    chunks.push(chunk)
  }
  if (length === 0) return undefined
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw badRequest('the body is not JSON')
  }
}
