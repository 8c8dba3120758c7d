import { systemClock } from '../../common/clock.ts'
import { errorText } from '../../common/errors.ts'

const pollMs = 50

/**
 * Asks again and again until `look` gives a value, and returns it. What `look` throws counts as "not yet". Throws
 * after `withinMs`, with what was waited for and what was seen last.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { withinMs = 30_000, seen = () => '' }: { withinMs?: number; seen?: () => string },
  signal: AbortSignal,
): Promise<T> {
  const end = performance.now() + withinMs
  let problem = ''
  while (performance.now() < end) {
    try {
      const value = await look()
      if (value !== undefined && value !== false) return value
      problem = ''
    } catch (error) {
      problem = errorText(error)
    }
    await systemClock.sleep(pollMs, signal)
  }
  const last = [seen(), problem].filter((text) => text !== '').join('; ')
  throw new Error(`${what}: not within ${withinMs / 1000} s${last ? `; last seen: ${last}` : ''}`)
}

/** Throws with the sentence unless it holds. */
export function expect(holds: unknown, sentence: string): asserts holds {
  if (!holds) throw new Error(sentence)
}
