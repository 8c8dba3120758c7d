import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Registry } from '../metrics.ts'
import { isOff } from './address.ts'
import { sendText } from './reply.ts'
import { type RunningServer, startServer } from './server.ts'

export interface OperationsOptions {
  /** Each distinct one gets a listener that serves every page; `0` or an empty text is none, as in Go's programs. */
  addresses: readonly string[]
  /** Why no work should be sent here now; undefined if ready. */
  ready: () => string | undefined | Promise<string | undefined>
  /** Why the process should be restarted; undefined if it works. Never depends on anything outside the process. */
  live: () => string | undefined
}

interface Deps {
  log: Logger
  clock: Clock
  registry: Registry
}

/** Serves `/healthz` (liveness), `/readyz` and `/metrics` in plain HTTP for kubelet and Prometheus. */
export async function startOperations(
  { log, clock, registry }: Deps,
  { addresses, ready, live }: OperationsOptions,
  signal: AbortSignal,
): Promise<RunningServer[]> {
  const pages: Record<string, (response: ServerResponse) => unknown> = {
    '/healthz': (response) => sendVerdict(response, live()),
    '/readyz': async (response) => sendVerdict(response, await ready()),
    '/metrics': async (response) =>
      sendText(response, 200, await registry.metrics(), { 'content-type': registry.contentType }),
  }
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    const [path = '/'] = (request.url ?? '/').split('?')
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    if (!page) return sendText(response, 404, 'not found')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return sendText(response, 405, 'method not allowed', { allow: 'GET, HEAD' })
    return page(response)
  }
  const wanted = [...new Set(addresses)].filter((address) => !isOff(address))
  const limits = { maxConnections: 64 }
  return Promise.all(
    wanted.map((address) =>
      startServer({ log, clock }, { name: 'operations', address, handler, limits }, signal),
    ),
  )
}

function sendVerdict(response: ServerResponse, problem: string | undefined): void {
  sendText(response, problem === undefined ? 200 : 503, problem ?? 'ok')
}
