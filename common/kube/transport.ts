import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { StringDecoder } from 'node:string_decoder'
import type { KubeConfig } from '@kubernetes/client-node'
import { type Clock, withDeadline } from '../clock.ts'
import { InputError, TransientError } from '../errors.ts'
import { apiError, connectionError } from './api-error.ts'

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With its query. */
  path: string
  /** Sent as JSON. */
  body?: unknown
  contentType?: string
  /** Further ones. */
  headers?: Readonly<Record<string, string>>
}

/** Sends requests to one API server, with the credentials of a kubeconfig. */
export interface Transport {
  /** The reply's JSON. Throws what `KubeClient` documents. */
  send(request: ApiRequest, signal: AbortSignal): Promise<unknown>
  /** The lines of a reply that does not end by itself. Ends when the server ends it. */
  lines(path: string, silenceMs: number, signal: AbortSignal): AsyncIterable<string>
}

export interface TransportOptions {
  /** For a whole call. */
  callMs: number
  /** A longer reply, or line of a watch, is refused. */
  maxReplyBytes: number
}

// The API server and most load balancers close what is idle for longer.
const idleMs = 30_000

/**
 * Makes the transport. Credentials are asked for anew with every request, so that a renewed token or certificate
 * counts at once; connections are kept alive, and shared by requests with the same credentials.
 */
export function createTransport(
  { clock }: { clock: Clock },
  config: Pick<KubeConfig, 'applyToHTTPSOptions' | 'getCurrentCluster'>,
  { callMs, maxReplyBytes }: TransportOptions,
): Transport {
  const server = serverOf(config.getCurrentCluster()?.server)
  const agent = new Agent({ keepAlive: true, timeout: idleMs })

  async function open(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, path, body, contentType = 'application/json' } = request
    const text = body === undefined ? undefined : JSON.stringify(body)
    const options: RequestOptions = {
      method,
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port || 443,
      path: server.pathname.replace(/\/$/, '') + path,
      headers: {
        accept: 'application/json',
        'user-agent': 'vpsie-autoscaler',
        ...request.headers,
        ...(text === undefined
          ? {}
          : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
      },
      signal,
    }
    await config.applyToHTTPSOptions(options)
    // client-node's own agent keeps no connection, and keeps the first credentials it saw; it is for proxies only.
    if (!config.getCurrentCluster()?.proxyUrl) options.agent = agent
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const sent = httpsRequest(options, resolve)
    sent.on('error', reject)
    sent.end(text)
    return promise
  }

  return {
    async send(request, signal) {
      const call = nameOf(request)
      const deadline = withDeadline(clock, callMs, signal)
      try {
        const response = await open(request, deadline)
        const text = await readText(call, response, maxReplyBytes)
        return replyOf(call, response, text)
      } catch (error) {
        throw failureOf(call, error, deadline, signal)
      }
    },
    async *lines(path, silenceMs, signal) {
      const call = nameOf({ method: 'GET', path })
      const late = new AbortController()
      const headers = new AbortController()
      // The limit is for the headers alone: the stream itself goes on for as long as the server likes.
      clock.sleep(callMs, headers.signal).then(
        () => late.abort(),
        () => undefined,
      )
      try {
        const response = await open({ method: 'GET', path }, AbortSignal.any([signal, late.signal]))
        headers.abort()
        if (response.statusCode !== 200) {
          replyOf(call, response, await readText(call, response, maxReplyBytes))
        }
        response.setTimeout(silenceMs, () => response.destroy(silent(call, silenceMs)))
        // Leaving the loop early, on an error too, destroys the response and with it the connection.
        yield* linesOf(call, response, maxReplyBytes)
      } catch (error) {
        throw failureOf(call, error, late.signal, signal)
      } finally {
        headers.abort()
      }
    },
  }
}

function serverOf(text: string | undefined): URL {
  const server = text !== undefined && URL.canParse(text) ? new URL(text) : undefined
  if (server?.protocol !== 'https:') {
    throw new InputError(
      'kubeconfig',
      `must name an https server in its current context: it is "${text ?? ''}"`,
    )
  }
  return server
}

// The query is left out: it says nothing a reader needs, and pages carry long tokens in it.
function nameOf({ method, path }: Pick<ApiRequest, 'method' | 'path'>): string {
  return `${method} ${path.split('?')[0]}`
}

async function readText(call: string, response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) {
      response.destroy()
      throw new TransientError(`${call} got a reply of more than ${maxBytes} bytes`, { code: 'BadReply' })
    }
    chunks.push(chunk)
  }
  if (!response.complete)
    throw new TransientError(`${call} got a reply that was cut off`, { code: 'Unreachable' })
  return Buffer.concat(chunks, length).toString('utf8')
}

function replyOf(call: string, { statusCode = 0, headers }: IncomingMessage, text: string): unknown {
  let body: unknown
  try {
    body = text === '' ? undefined : JSON.parse(text)
  } catch {
    // The parser's message quotes the reply, which may hold anything.
    if (statusCode < 300)
      throw new TransientError(`${call} got a reply that is not JSON`, { code: 'BadReply' })
  }
  if (statusCode >= 200 && statusCode < 300) return body
  throw apiError(call, statusCode, body, headers['retry-after'])
}

function failureOf(call: string, error: unknown, deadline: AbortSignal, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (deadline.aborted) return new TransientError(`${call} took too long`, { code: 'Timeout', cause: error })
  const classified = error instanceof Error && 'outcome' in error
  return classified ? error : connectionError(call, error)
}

function silent(call: string, silenceMs: number): TransientError {
  return new TransientError(`${call} was silent for ${silenceMs / 1000} s`, { code: 'Timeout' })
}

async function* linesOf(call: string, response: IncomingMessage, maxBytes: number): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const parts = (rest + decoder.write(chunk)).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > maxBytes) {
      throw new TransientError(`${call} got a line of more than ${maxBytes} bytes`, { code: 'BadReply' })
    }
    for (const part of parts) if (part !== '') yield part
  }
}
