import type { RequestListener, Server, ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'

/** Milliseconds; `graceMs` counts from the call and includes `lameDuckMs`. */
export interface StopLimits {
  lameDuckMs: number
  graceMs: number
}

/** Ends a server's connections without refusing a call. */
export interface Drain {
  /** Wraps the server's handler: once draining, every reply tells its client to open no further request here. */
  watch(answer: RequestListener): RequestListener
  /** Drains, closes, and cuts off what is left after `graceMs`. A second call waits for the same end. */
  stop(server: Server, limits: StopLimits): Promise<void>
}

/**
 * `Server.close` of Node closes idle connections at once, on which a call may just be on its way, and lets busy ones
 * go on for further calls. So first every client is told by `Connection: close` to retire its connection by itself,
 * while load balancers stop sending new ones; what is then idle has been silent for the whole lame-duck time.
 */
export function createDrain(clock: Clock): Drain {
  const open = new Set<ServerResponse>()
  let draining = false
  let stopped: Promise<void> | undefined
  return {
    watch: (answer) => (request, response) => {
      open.add(response)
      response.once('close', () => open.delete(response))
      if (draining) retire(response)
      answer(request, response)
    },
    stop(server, limits) {
      draining = true
      for (const response of open) retire(response)
      stopped ??= close(clock, server, limits)
      return stopped
    },
  }
}

function retire(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}

async function close(clock: Clock, server: Server, { lameDuckMs, graceMs }: StopLimits): Promise<void> {
  const started = clock.monotonic()
  if (lameDuckMs > 0) await clock.sleep(Math.min(lameDuckMs, graceMs))
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  const grace = new AbortController()
  const left = Math.max(0, graceMs - (clock.monotonic() - started))
  const late = clock.sleep(left, grace.signal).then(
    () => server.closeAllConnections(),
    () => undefined, // everything ended in time
  )
  await closed
  grace.abort()
  await late
}
