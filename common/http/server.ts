import type { RequestListener } from 'node:http'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'

/** Limits of one listener. Milliseconds unless named otherwise; the reasons are in docs/architecture.md. */
export interface ServerLimits {
  /** Longer than the 90 s after which the API server drops an idle connection, so that it is never us who close first. */
  keepAliveMs?: number
  headersMs?: number
  requestMs?: number
  maxConnections?: number
}

export interface ServerOptions {
  /** `host:port`, `:port` for all interfaces; port 0 takes a free one. */
  address: string
  handler: RequestListener
  limits?: ServerLimits
  /** With TLS: where the pair lives. Reloaded when the content changes; a bad pair never replaces a good one. */
  tls?: { certFile: string; keyFile: string; minVersion?: 'TLSv1.2' | 'TLSv1.3'; pollMs?: number }
}

export interface RunningServer {
  readonly host: string
  readonly port: number
  /**
   * Stops without refusing a call: keeps serving for `lameDuckMs` with `Connection: close` on every reply, then
   * stops listening and waits for what is in flight, at most `graceMs` in all.
   */
  stop(limits: { lameDuckMs: number; graceMs: number }): Promise<void>
}

export type StartServer = (
  deps: { log: Logger; clock: Clock },
  options: ServerOptions,
  signal: AbortSignal,
) => Promise<RunningServer>
