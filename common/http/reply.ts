import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { TerminalError, TransientError } from '../errors.ts'

/** Ends the response with `body` as JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  send(response, status, 'application/json', JSON.stringify(body), headers)
}

/** Ends the response with plain text and a line end. */
export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: OutgoingHttpHeaders = {},
): void {
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`, headers)
}

/**
 * Answers a refusal that `readJson` threw, or any classed error with a status; false if `error` is something else,
 * which is the caller's to handle. The connection is closed if the request was not read to its end.
 */
export function sendError(
  response: ServerResponse,
  error: unknown,
  headers: OutgoingHttpHeaders = {},
): boolean {
  const isClassed = error instanceof TerminalError || error instanceof TransientError
  if (!isClassed || error.status === undefined) return false
  sendJson(response, error.status, { error: error.message }, headers)
  return true
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: OutgoingHttpHeaders,
) {
  // What is left of a body would have to be swallowed before the next request on this connection.
  if (!response.req.complete) response.setHeader('connection', 'close')
  const length = Buffer.byteLength(text)
  response.writeHead(status, {
    'content-type': type,
    'content-length': length,
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : text)
}
