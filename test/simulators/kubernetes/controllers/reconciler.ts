import type { Clock } from '../../../../common/clock.ts'
import { StatusError } from '../status.ts'
import type { Store } from '../store.ts'

export interface ControllerDeps {
  store: Store
  clock: Clock
}

/**
 * Calls `reconcile` soon after any write to one of the kinds, once for a burst of writes, and after as many
 * milliseconds as it returns. A refusal of the store means that something changed meanwhile: it is called again.
 */
export function reconcileOnChange(
  { store, clock }: ControllerDeps,
  plurals: readonly string[],
  reconcile: () => number | undefined,
  signal: AbortSignal,
): void {
  let scheduled = false
  let timer = new AbortController()

  function schedule(): void {
    if (scheduled || signal.aborted) return
    scheduled = true
    setImmediate(run)
  }

  function run(): void {
    scheduled = false
    if (signal.aborted) return
    timer.abort()
    timer = new AbortController()
    try {
      const afterMs = reconcile()
      if (afterMs !== undefined) {
        const both = AbortSignal.any([signal, timer.signal])
        clock.sleep(afterMs, both).then(schedule, () => undefined) // aborted: a later run has its own timer
      }
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      schedule()
    }
  }

  const stop = store.onChange(({ plural }) => {
    if (plurals.includes(plural)) schedule()
  })
  signal.addEventListener('abort', stop, { once: true })
  schedule()
}
