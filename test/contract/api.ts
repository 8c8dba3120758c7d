import { call } from '../fixtures/http.ts'
import type { Floor } from '../floors/floor.ts'

export interface ApiReply {
  status: number
  // What a reply holds is the business of the test that asked for it.
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any kind
  body: any
  headers: Record<string, string | string[] | undefined>
  /** The texts of the Warning headers. */
  warnings: string[]
}

/** Raw calls to a floor's API server, as one user. */
export interface Api {
  get(path: string): Promise<ApiReply>
  post(path: string, body: unknown): Promise<ApiReply>
  put(path: string, body: unknown): Promise<ApiReply>
  /** A merge patch, unless another type is said. */
  patch(path: string, body: unknown, type?: 'merge' | 'json'): Promise<ApiReply>
  delete(path: string, body?: unknown): Promise<ApiReply>
}

/** `token` is that of `admin` unless said otherwise. */
export function apiOf({ url, ca, adminToken }: Floor, token = adminToken): Api {
  const port = Number(new URL(url).port)
  async function send(method: string, path: string, body?: unknown, type = 'application/json') {
    const reply = await call({
      port,
      ca,
      method,
      path,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { ...reply, body: parse(reply.body), warnings: warningsOf(reply.headers.warning) }
  }
  return {
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    put: (path, body) => send('PUT', path, body),
    patch: (path, body, type = 'merge') =>
      send('PATCH', path, body, `application/${type === 'merge' ? 'merge-patch' : 'json-patch'}+json`),
    delete: (path, body) => send('DELETE', path, body),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // a watch answers with lines of JSON, a failure below the API with plain text
  }
}

/** RFC 7234 section 5.5: `299 - "text"`, several in one header or in several. */
function warningsOf(header: string | string[] | undefined): string[] {
  const text = [header ?? ''].flat().join(', ')
  return [...text.matchAll(/299 - ("(?:[^"\\]|\\.)*")/g)].map(
    ([, quoted = '""']) => JSON.parse(quoted) as string,
  )
}
