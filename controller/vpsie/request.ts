import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ClientRequest } from 'node:http'
import { Agent } from 'node:https'
import type { Socket } from 'node:net'
import { getCACertificates } from 'node:tls'
import got, { type Method, TimeoutError } from 'got'
import { type Clock, fromTimestamp } from '../../common/clock.ts'
import { InputError, TransientError } from '../../common/errors.ts'
import { readRetryAfter } from '../../common/http/retry-after.ts'

export interface TransportOptions {
  /** PEM file of further authorities; '' for none. */
  caFile: string
  connectMs: number
  requestMs: number
  maxReplyBytes: number
}

export interface HTTPRequest {
  method: Method
  url: string
  headers: Readonly<Record<string, string>>
  json?: unknown
  form?: Readonly<Record<string, string>>
  /** Opens a connection of its own: a kept one that the other side has just dropped makes the outcome unknown. */
  fresh: boolean
  /** Called once the request may have reached the other side; from then on a failure's outcome is unknown. */
  onSent?: () => void
}

export interface HTTPReply {
  status: number
  body: string
  /** Milliseconds of `Retry-After`. */
  retryAfterMs: number | undefined
  /** What `Date` says, milliseconds since the epoch. */
  date?: number | undefined
}

/** Sends one request and reads its reply, whatever the status; no retries, no redirects, no cookies. */
export interface Transport {
  /**
   * Rejects with a `TransientError`: `Timeout`, `Unreachable`, or `BadReply` for one that is too long. Its outcome is
   * `notSent` if the connection was never made. Abort of the signal rejects with its reason.
   */
  send(request: HTTPRequest, signal: AbortSignal): Promise<HTTPReply>
  /** Closes idle connections. */
  close(): void
}

// More at once than the rate limit lets through in a second would only queue at the other side.
const maxSockets = 16

/** Makes the one got instance. Throws `InputError` if the CA file holds no certificate. */
export function createTransport({ clock }: { clock: Clock }, options: TransportOptions): Transport {
  const tls = { minVersion: 'TLSv1.2', maxSockets, ...readAuthorities(options.caFile) } as const
  const agents = {
    kept: new Agent({ keepAlive: true, ...tls }),
    fresh: new Agent({ keepAlive: false, ...tls }),
  }
  const client = createGot(options)
  return {
    async send(request, signal) {
      signal.throwIfAborted()
      const sent = { yet: false }
      const deadline = clock.timeout(options.requestMs)
      try {
        const outgoing = client.stream(request.url, {
          ...bodyOf(request),
          method: request.method,
          headers: { ...request.headers },
          agent: { https: request.fresh ? agents.fresh : agents.kept },
          signal: AbortSignal.any([signal, deadline]),
        })
        // After the reply nobody reads from it any more, and the deadline that still passes would go unheard.
        outgoing.on('error', () => undefined)
        outgoing.on('request', (wire: ClientRequest) => onceConnected(wire, () => markSent(request, sent)))
        const body = await readBody(outgoing, request, options.maxReplyBytes)
        return toReply(outgoing.response, body, clock.now())
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw describe(request, error, deadline.aborted, sent.yet)
      }
    },
    close() {
      agents.kept.destroy()
      agents.fresh.destroy()
    },
  }
}

function createGot({ connectMs }: TransportOptions) {
  return got.extend({
    retry: { limit: 0 },
    throwHttpErrors: false,
    followRedirect: false,
    // Without decompression the cap on a reply holds for what is in memory, too.
    decompress: false,
    headers: { 'user-agent': 'vpsie-autoscaler', accept: 'application/json' },
    timeout: { lookup: connectMs, connect: connectMs, secureConnect: connectMs },
  })
}

// Without a body a got stream of any method but GET would wait to be written to.
function bodyOf({ method, json, form }: HTTPRequest) {
  if (form) return { form: { ...form } }
  if (json !== undefined) return { json }
  return method === 'GET' ? {} : { body: '' }
}

function markSent(request: HTTPRequest, sent: { yet: boolean }): void {
  sent.yet = true
  request.onSent?.()
}

// Nothing is written before the TLS handshake is through; a failed one ends without `secureConnect`.
function onceConnected(wire: ClientRequest, connected: () => void): void {
  wire.once('socket', (socket: Socket) => {
    if (wire.reusedSocket || !socket.connecting) connected()
    else socket.once('secureConnect', connected)
  })
}

async function readBody(
  incoming: AsyncIterable<Buffer>,
  request: HTTPRequest,
  longest: number,
): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming) {
    length += chunk.length
    if (length > longest) {
      const message = `${nameOf(request)}: the reply of VPSie is longer than ${longest} bytes`
      throw new TransientError(message, { code: 'BadReply' })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function toReply(response: Answer | undefined, body: string, now: number): HTTPReply {
  return {
    status: response?.statusCode ?? 0,
    body,
    retryAfterMs: readRetryAfter(response?.headers['retry-after'], now),
    date: fromTimestamp(response?.headers.date),
  }
}

interface Answer {
  statusCode: number
  headers: { 'retry-after'?: string | undefined; date?: string | undefined }
}

// got's own errors carry the request with its headers, so none of them is kept as a cause.
function describe(request: HTTPRequest, error: unknown, timedOut: boolean, sent: boolean): unknown {
  if (error instanceof TransientError || !(error instanceof Error)) return error
  const outcome = sent ? 'unknown' : 'notSent'
  const late = timedOut || error instanceof TimeoutError
  const why = timedOut ? 'no reply in time' : error.message
  const message = `${nameOf(request)}: VPSie cannot be reached: ${why}`
  return new TransientError(message, { code: late ? 'Timeout' : 'Unreachable', outcome })
}

function nameOf({ method, url }: HTTPRequest): string {
  return `${method} ${new URL(url).pathname}`
}

// A private authority is added to the usual ones, so that moving back to the public cloud needs no change.
function readAuthorities(file: string): { ca?: string[] } {
  if (file === '') return {}
  try {
    const pem = readFileSync(file, 'utf8')
    new X509Certificate(pem)
    return { ca: [...getCACertificates('default'), pem] }
  } catch (cause) {
    throw new InputError(
      '--vpsie-ca-file',
      `must be a PEM file with certificates: current value is "${file}"`,
      { cause },
    )
  }
}
