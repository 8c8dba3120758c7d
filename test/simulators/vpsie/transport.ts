import { abortable } from '../../../common/abortable.ts'
import type { Clock } from '../../../common/clock.ts'
import { TransientError } from '../../../common/errors.ts'
import { readRetryAfter } from '../../../common/http/retry-after.ts'
import type { Transport } from '../../../controller/vpsie/request.ts'
import type { Desk } from './server.ts'

export interface MemoryTransportOptions {
  /** How long a reply is waited for, milliseconds. */
  requestMs: number
  /** Called before a request leaves, and once its answer is there; a promise that never ends stands for a dead caller. */
  before?: () => Promise<void> | void
  after?: () => Promise<void> | void
}

/** Carries the real client's requests to a simulated VPSie without a network, with the errors of the real transport. */
export function transportTo(
  desk: Desk,
  clock: Clock,
  { requestMs, before, after }: MemoryTransportOptions,
): Transport {
  return {
    async send(request, signal) {
      signal.throwIfAborted()
      await before?.()
      signal.throwIfAborted()
      request.onSent?.()
      const { method, url, json, form } = request
      const body = form
        ? new URLSearchParams(form).toString()
        : json === undefined
          ? ''
          : JSON.stringify(json)
      const { pathname: path, search: query } = new URL(url)
      const asked = { method, path, query, headers: { ...request.headers }, body }
      const answered = new AbortController()
      const late = clock.sleep(requestMs, answered.signal).then(() => 'late' as const)
      late.catch(() => undefined) // The answer was there first.
      try {
        const answer = await abortable(Promise.race([desk(asked), late]), signal)
        await after?.()
        if (answer === 'late') throw lost('Timeout', 'no reply in time')
        if (answer === undefined) throw lost('Unreachable', 'the connection broke')
        const retryAfterMs = readRetryAfter(answer.headers?.['retry-after'], clock.now())
        return { status: answer.status, body: answer.body, retryAfterMs }
      } finally {
        answered.abort()
      }
    },
    close: () => undefined,
  }
}

function lost(code: 'Timeout' | 'Unreachable', why: string): TransientError {
  return new TransientError(`VPSie cannot be reached: ${why}`, { code, outcome: 'unknown' })
}
