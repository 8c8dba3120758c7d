import type { Response } from 'express'
import type { Clock } from '../../common/clock.ts'
import type { Records } from '../record/records.ts'
import type { PageMetrics } from './metrics.ts'

interface Deps {
  clock: Clock
  records: Pick<Records, 'last' | 'onDecision'>
  metrics: Pick<PageMetrics, 'page_streams'>
}

export interface Streams {
  /** Follows the decisions until the reader goes; false if there are too many. `check` ends it by throwing. */
  open(response: Response, check: () => Promise<void>): boolean
  /** Ends all of them. */
  close(): void
}

const mostStreams = 64
const heartbeatMs = 15_000
// A reader that has not taken so much by now reads no more.
const mostBufferedBytes = 16 * 1024
const reconnectMs = 3000

/**
 * Makes the server-sent events of the page (WHATWG HTML, 9.2): `decision` with its number after each decision, and a
 * heartbeat. They only say that there is something new: the page itself is read again, so that there is one way to
 * make it.
 */
export function createStreams({ clock, records, metrics }: Deps): Streams {
  const open = new Set<Response>()

  function send(response: Response, text: string): void {
    if (response.writableLength > mostBufferedBytes) response.destroy()
    else response.write(text)
  }

  async function beat(response: Response, check: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(heartbeatMs, signal)
      await check()
      send(response, 'event: alive\ndata:\n\n')
    }
  }

  const event = () => `event: decision\ndata: ${records.last?.seq ?? 0}\n\n`

  return {
    open(response, check) {
      if (open.size >= mostStreams) return false
      open.add(response)
      metrics.page_streams.set(open.size)
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      send(response, `retry: ${reconnectMs}\n${event()}`)
      const gone = new AbortController()
      const stop = records.onDecision(() => send(response, event()))
      response.once('close', () => {
        gone.abort()
        stop()
        open.delete(response)
        metrics.page_streams.set(open.size)
      })
      // A token that has expired shows nothing more.
      beat(response, check, gone.signal).catch(() => response.end())
      return true
    },
    close() {
      for (const response of open) response.end()
    },
  }
}
