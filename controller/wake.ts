import type { Clock } from '../common/clock.ts'
import type { ControllerDeps } from './deps.ts'

/** Something may have changed: loops wait on it instead of polling. */
export interface Wake {
  /** Asks for another pass. Cheap; any number of calls before the next pass make one pass. */
  fire(): void
  /**
   * Resolves when there is work: `idleMs` after the last `fire`, but no later than `maxMs` after the first, and
   * after `periodMs` at the latest even if nobody fired. Rejects with the signal's reason on abort.
   */
  wait(times: { idleMs: number; maxMs: number; periodMs: number }, signal: AbortSignal): Promise<void>
}

const woken = 'woken'

/** Makes a wake-up that batches bursts (as Karpenter's batcher does: 1 s idle, 10 s at most). */
export function createWake(clock: Clock): Wake {
  let firstAt: number | undefined
  let lastAt = 0
  let interrupt = new AbortController()

  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    interrupt = new AbortController()
    try {
      await clock.sleep(ms, AbortSignal.any([signal, interrupt.signal]))
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!interrupt.signal.aborted) throw error
    }
  }

  return {
    fire() {
      lastAt = clock.monotonic()
      firstAt ??= lastAt
      // With a reason of its own no error with a stack is made for each change.
      interrupt.abort(woken)
    },
    async wait({ idleMs, maxMs, periodMs }, signal) {
      const end = clock.monotonic() + periodMs
      for (;;) {
        signal.throwIfAborted()
        const now = clock.monotonic()
        const due = firstAt === undefined ? end : Math.min(lastAt + idleMs, firstAt + maxMs, end)
        if (now >= due) break
        await pause(due - now, signal)
      }
      firstAt = undefined
    },
  }
}

/** Lets the loops know when something they read has changed. */
export function wakeOnChanges({
  caches,
  wakeDecision,
  wakeMachines,
}: Pick<ControllerDeps, 'caches' | 'wakeDecision' | 'wakeMachines'>): void {
  for (const cache of Object.values(caches)) cache.onChange(wakeDecision.fire)
  for (const cache of [caches.vpsieNodes, caches.nodeGroups, caches.nodes]) cache.onChange(wakeMachines.fire)
}
