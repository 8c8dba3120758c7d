import type { IncomingMessage } from 'node:http'
import { refusal } from '../common/http/body.ts'

/** Collects a body; calls `done` once, with all of it or with why there is none. Returns how to give up. */
export function collectBody(
  request: IncomingMessage,
  maxBytes: number,
  done: (body: Buffer | Error) => void,
): (why: Error) => void {
  let chunks: Buffer[] = []
  let length = 0
  let isOver = false
  const end = (outcome: Buffer | Error) => {
    if (isOver) return
    isOver = true
    chunks = []
    // The rest is left unread; the reply closes the connection.
    if (outcome instanceof Error) request.pause()
    done(outcome)
  }
  const cutOff = (cause?: Error) => isOver || end(refusal(400, 'body was cut off', cause))
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > maxBytes) end(refusal(413, `body must have at most ${maxBytes} bytes`))
    else if (!isOver) chunks.push(chunk)
  })
  request.on('end', () => end(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length)))
  // Heard even after the end, for an unheard error ends the process.
  request.on('error', cutOff)
  request.on('close', () => cutOff())
  return end
}
