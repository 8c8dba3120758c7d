import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { type Clock, withDeadline } from '../clock.ts'
import { TerminalError } from '../errors.ts'

export interface BodyLimits {
  /** Larger bodies are refused with 413, by their declared length or while they arrive. */
  maxBytes: number
  /** For the whole body; 408 after it. */
  timeoutMs: number
}

/**
 * Reads a request's body as JSON. Throws `TerminalError` with the `status` to answer with: 415 for another media
 * type or an encoding, 413 too large, 408 too slow, 400 cut off or no JSON. Abort of `signal` rejects with its
 * reason. The request is left unread after a refusal, so its reply must close the connection (`sendError` does).
 */
export async function readJson(
  { clock }: { clock: Clock },
  request: IncomingMessage,
  { maxBytes, timeoutMs }: BodyLimits,
  signal: AbortSignal,
): Promise<unknown> {
  checkHeaders(request, maxBytes)
  const deadline = withDeadline(clock, timeoutMs, signal)
  try {
    return parseJson(await collect(request, maxBytes, deadline))
  } catch (error) {
    if (error !== deadline.reason || signal.aborted) throw error
    throw new TerminalError(`body must arrive within ${timeoutMs} ms`, {
      code: 'Timeout',
      status: 408,
      cause: error,
    })
  }
}

/** Throws the refusal of a request whose headers announce no JSON, an encoding, or too much; see `readJson`. */
export function checkHeaders({ headers }: IncomingMessage, maxBytes: number): void {
  const type = headers['content-type'] ?? ''
  if (type !== 'application/json' && type.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    refuse(415, 'content-type must be application/json')
  if (headers['content-encoding'] && headers['content-encoding'] !== 'identity') {
    refuse(415, 'content-encoding must be identity')
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes)
    refuse(413, `body must have at most ${maxBytes} bytes`)
}

function collect(request: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let length = 0
  const listeners = {
    data(chunk: Buffer) {
      length += chunk.length
      if (length > maxBytes) reject(refusal(413, `body must have at most ${maxBytes} bytes`))
      else chunks.push(chunk)
    },
    end: () => resolve(Buffer.concat(chunks, length)),
    error: (cause: Error) => reject(refusal(400, 'body was cut off', cause)),
    close: () => reject(refusal(400, 'body was cut off')),
  }
  const onAbort = () => reject(signal.reason)
  for (const [event, listener] of Object.entries(listeners)) request.on(event, listener)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return promise.finally(() => {
    signal.removeEventListener('abort', onAbort)
    for (const [event, listener] of Object.entries(listeners)) request.off(event, listener)
    request.on('error', () => undefined) // nobody is interested any more, but an unheard error ends the process
    request.pause()
  })
}

/** The body as JSON; throws the refusal of what is none. */
export function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) refuse(400, 'body must be JSON in UTF-8')
  try {
    return JSON.parse(body.toString())
  } catch {
    // The parser's own message quotes the body, which may hold secrets.
    return refuse(400, 'body must be JSON in UTF-8')
  }
}

/** What is thrown at a request that cannot be read. */
export function refusal(status: number, message: string, cause?: Error): TerminalError {
  return new TerminalError(message, { code: 'BadInput', status, ...(cause && { cause }) })
}

function refuse(status: number, message: string): never {
  throw refusal(status, message)
}
