import type { Clock } from '../../../common/clock.ts'
import { errorText } from '../../../common/errors.ts'
import type { Logger } from '../../../common/log.ts'

const retryMs = 500

/** A kubelet does not give up: what fails is logged and tried again until it succeeds, or `signal` aborts. */
export async function persist<T>(
  { clock, log }: { clock: Clock; log: Logger },
  what: string,
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      log.warn('kubelet tries again', { what, error: errorText(error) })
      await clock.sleep(retryMs, signal)
    }
  }
}
