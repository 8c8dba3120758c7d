import type { Clock } from '../../common/clock.ts'
import { codeOf, errorText } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'

/** Removals under way. Each outlives the pass that began it; at most one per node. */
export interface Removals {
  has(node: string): boolean
  /**
   * Begins `work` for a node unless one runs already, or one was called off lately; a failure is logged and ends that
   * removal only. `work` resolves to false if the removal was called off. `isHalfDone` says that the node still has
   * the mark of a removal: that must end one way or the other, and soon.
   */
  start(node: string, work: () => Promise<boolean>, isHalfDone?: boolean): void
  /** Resolves when all have ended. */
  settled(): Promise<void>
}

// What stopped a removal is seldom gone at once, and each try evicts pods. The pause doubles with each in a row.
const firstPauseMs = 60_000
const longestPauseMs = 30 * 60_000

/** Makes an empty set of removals; it forgets a node some time after its last removal has ended. */
export function createRemovals({ log, clock }: { log: Logger; clock: Pick<Clock, 'monotonic'> }): Removals {
  const running = new Map<string, Promise<void>>()
  const calledOff = new Map<string, { until: number; times: number }>()

  async function run(node: string, work: () => Promise<boolean>): Promise<void> {
    let done = false
    try {
      done = await work()
    } catch (error) {
      log.error('a removal failed', { node, reason: codeOf(error), error: errorText(error) })
    } finally {
      running.delete(node)
      if (done) calledOff.delete(node)
      else pause(node)
    }
  }

  function pause(node: string): void {
    const now = clock.monotonic()
    for (const [name, { until }] of calledOff) if (now - until > longestPauseMs) calledOff.delete(name)
    const times = (calledOff.get(node)?.times ?? 0) + 1
    calledOff.set(node, { times, until: now + Math.min(longestPauseMs, firstPauseMs * 2 ** (times - 1)) })
  }

  return {
    has: (node) => running.has(node),
    start(node, work, isHalfDone = false) {
      const isPaused =
        !isHalfDone && (calledOff.get(node)?.until ?? Number.NEGATIVE_INFINITY) > clock.monotonic()
      if (running.has(node) || isPaused) return
      // The microtask makes sure that the entry is set before the work can end.
      running.set(
        node,
        Promise.resolve().then(() => run(node, work)),
      )
    },
    async settled() {
      await Promise.all(running.values())
    },
  }
}
