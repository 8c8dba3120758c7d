import type { RequestListener, Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { parseAddress } from './address.ts'
import { type CertificateOptions, followCertificate, type ServedCertificate } from './certificate.ts'
import { createDrain, type StopLimits } from './drain.ts'
import type { CertificatePair } from './pair.ts'

// An import reads every export of a module, and one of this module's loads all of undici with it: 2 MiB of memory.
const { createServer: createPlainServer } = process.getBuiltinModule('node:http')

/** Limits of one listener. Milliseconds unless named otherwise. */
export interface ServerLimits {
  /**
   * Longer than the 90 s after which the API server drops an idle connection, so that it is never us who close
   * first: Go does not repeat a POST whose reused connection turns out closed. Default 120 000.
   */
  keepAliveMs?: number
  /** For the headers of a request. Default 10 000. */
  headersMs?: number
  /** For a whole request, body included. Default 15 000. */
  requestMs?: number
  /** Connections beyond it are closed unread. Default 1024. */
  maxConnections?: number
  /**
   * A connection older than this is told to end with its next answer, so that clients spread anew over the replicas; up
   * to a fifth later, so that not all do at once. Default: never.
   */
  connectionLifeMs?: number
}

/** Why a connection ended before a request could be read from it. */
export type UnreadReason = 'too-slow' | 'too-large' | 'malformed' | 'handshake'

export interface ServerOptions {
  /** Names the listener in logs: webhook, ingest, operations. */
  name: string
  /** `host:port`, `:port` for all interfaces; port 0 takes a free one. */
  address: string
  /** May be async: what it throws is logged and answered with 500. */
  handler: (...args: Parameters<RequestListener>) => unknown
  limits?: ServerLimits
  /** Told of each connection that was ended because no request could be read from it. */
  onUnread?: (reason: UnreadReason) => void
  /** With TLS: where the pair lives. Reloaded when the content changes; a bad pair never replaces a good one. */
  tls?: CertificateOptions & { minVersion?: 'TLSv1.2' | 'TLSv1.3' }
}

export interface RunningServer {
  readonly host: string
  readonly port: number
  /** Only with TLS: what is served now. */
  readonly certificate?: ServedCertificate
  /**
   * Stops without refusing a call: keeps serving for `lameDuckMs` with `Connection: close` on every reply, then
   * stops listening and waits for what is in flight, at most `graceMs` in all; what remains is cut off.
   */
  stop(limits: StopLimits): Promise<void>
}

export type StartServer = (
  deps: { log: Logger; clock: Clock },
  options: ServerOptions,
  signal: AbortSignal,
) => Promise<RunningServer>

/**
 * Listens, with TLS once a usable certificate is there. Abort of `signal` ends the start and later the reloading
 * of the certificate; the listener itself lives until `stop`. Rejects if the address cannot be had.
 */
export const startServer: StartServer = async (deps, options, signal) => {
  const { name, tls } = options
  const certificate = tls && (await followCertificate(deps, tls, signal))
  signal.throwIfAborted()
  const drain = createDrain(deps.clock)
  const answer = drain.watch(withEnd(deps.clock, options.limits, guard(deps.log, name, options.handler)))
  const server = certificate
    ? createSecure(deps.log, options, certificate, answer)
    : createPlainServer(timeouts(options), answer)
  limit(server, options.limits ?? {})
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    endUnread(error, socket, options.onUnread),
  )
  await listen(server, options.address)
  // Without a listener an error after the start, such as too many open files on accept, would end the process.
  server.on('error', (error) => deps.log.error('listener failed', { server: name, error }))
  const { address: host, port } = server.address() as AddressInfo // never a pipe: we listened on host and port
  deps.log.info('listening', { server: name, host, port })
  return { host, port, ...(certificate && { certificate }), stop: (limits) => drain.stop(server, limits) }
}

function createSecure(
  log: Logger,
  options: ServerOptions,
  certificate: ServedCertificate,
  answer: RequestListener,
): TlsServer {
  const { minVersion = 'TLSv1.3' } = options.tls ?? {}
  // setSecureContext resets whatever it is not given, the lowest version too, so both get the same full set.
  const context = (pair: CertificatePair) => ({ cert: pair.certificate, key: pair.key, minVersion })
  const server = createTlsServer(
    { ...timeouts(options), ...context(certificate.pair), handshakeTimeout: 10_000 },
    answer,
  )
  certificate.onReload((outcome) => {
    if (outcome === 'loaded') server.setSecureContext(context(certificate.pair))
  })
  server.on('tlsClientError', (error) => {
    log.debug('TLS handshake failed', { server: options.name, error })
    options.onUnread?.('handshake')
  })
  return server
}

function timeouts({ limits = {} }: ServerOptions) {
  const { keepAliveMs = 120_000, headersMs = 10_000, requestMs = 15_000 } = limits
  return {
    keepAliveTimeout: keepAliveMs,
    headersTimeout: Math.min(headersMs, requestMs),
    requestTimeout: requestMs,
    // How often the two limits above are looked at; Node's own 30 s would let a slow client stay that much longer.
    connectionsCheckingInterval: Math.min(2_000, requestMs),
  }
}

function limit(server: Server, { maxConnections = 1024 }: ServerLimits): void {
  server.maxConnections = maxConnections
}

/** Ends connections that are old enough with their next answer. */
function withEnd(
  clock: Clock,
  { connectionLifeMs }: ServerLimits = {},
  answer: RequestListener,
): RequestListener {
  if (connectionLifeMs === undefined) return answer
  const ends = new WeakMap<Socket, number>()
  return (request, response) => {
    const now = clock.monotonic()
    const end = ends.get(request.socket) ?? now + connectionLifeMs * (1 + Math.random() / 5)
    ends.set(request.socket, end)
    if (now >= end) response.setHeader('connection', 'close')
    answer(request, response)
  }
}

const unread: Readonly<Record<string, [status: string, reason: UnreadReason]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'too-slow'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'too-large'],
}

/** Answers as Node itself does where nobody listens, and tells why. One who has gone is not answered. */
function endUnread(
  { code = '' }: NodeJS.ErrnoException,
  socket: Duplex,
  tell: (reason: UnreadReason) => void = () => undefined,
): void {
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, reason] = unread[code] ?? (['400 Bad Request', 'malformed'] as const)
  tell(reason)
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function guard(log: Logger, server: string, handler: ServerOptions['handler']): RequestListener {
  return (request, response) => {
    const fail = (error: unknown) => {
      log.error('request failed', { server, method: request.method, error })
      if (response.headersSent) response.destroy()
      else response.writeHead(500, { connection: 'close' }).end()
    }
    try {
      const end = handler(request, response)
      if (end instanceof Promise) end.catch(fail)
    } catch (error) {
      fail(error)
    }
  }
}

function listen(server: Server, address: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(parseAddress(address), () => {
    server.off('error', reject)
    resolve()
  })
  return promise
}
