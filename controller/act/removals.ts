import { codeOf, errorText } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'

/** Removals under way. Each outlives the pass that began it; at most one per node. */
export interface Removals {
  has(node: string): boolean
  /** Begins `work` for a node unless one runs already; a failure is logged and ends that removal only. */
  start(node: string, work: () => Promise<void>): void
  /** Resolves when all have ended. */
  settled(): Promise<void>
}

/** Makes an empty set of removals; it holds nothing of a node whose removal has ended. */
export function createRemovals({ log }: { log: Logger }): Removals {
  const running = new Map<string, Promise<void>>()

  async function run(node: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      log.error('a removal failed', { node, reason: codeOf(error), error: errorText(error) })
    } finally {
      running.delete(node)
    }
  }

  return {
    has: (node) => running.has(node),
    start(node, work) {
      // The microtask makes sure that the entry is set before the work can end.
      if (!running.has(node))
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
