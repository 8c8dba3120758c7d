import { hasCode, TransientError } from '../common/errors.ts'
import { retry } from '../common/retry.ts'
import { type ActDeps, type ActOptions, act } from './act.ts'
import { observe } from './observe.ts'
import type { RotationTimes, Step } from './state.ts'
import { nextStep } from './step.ts'

export interface RunOptions extends ActOptions {
  times: RotationTimes
  /** A wait that ends later than so many milliseconds after the start is left to the next run; 0 waits for nothing. */
  deadlineMs: number
  /** Begin a rotation of the authority although none is due. */
  force?: boolean
  /** Source of chance for the waits between tries. */
  random?: () => number
}

// A whole rotation takes about fifteen steps and each wait; far more means that steps do not lead anywhere.
const mostSteps = 100

/**
 * Takes one step after the other, each decided by what is read anew, until nothing is left to do or the next one has
 * to be waited for too long. Gives that last step. Ending it anywhere is safe.
 */
export async function runSteps(deps: ActDeps, options: RunOptions, signal: AbortSignal): Promise<Step> {
  const { clock, log } = deps
  const start = clock.now()
  let isForced = options.force ?? false
  for (let count = 0; count < mostSteps; count++) {
    const { step, isRotating } = await takeStep(deps, options, isForced, signal)
    // Whoever began it: the rotation that was asked for is under way.
    if (isRotating) isForced = false
    if (step.do === 'done') return step
    if (step.do !== 'wait') continue
    const waitMs = step.until - clock.now()
    if (step.until - start > options.deadlineMs) return step
    log.info('waiting', { reason: step.reason, waitMs })
    await clock.sleep(waitMs, signal)
  }
  throw new Error(`the rotation did not come to rest after ${mostSteps} steps`)
}

interface Taken {
  step: Step
  isRotating: boolean
}

/** Observes, decides and acts once; anew if somebody else changed what the act builds on, or the API did not answer. */
function takeStep(
  deps: ActDeps,
  options: RunOptions,
  isForced: boolean,
  signal: AbortSignal,
): Promise<Taken> {
  const { clock, log } = deps
  return retry(
    clock,
    async () => {
      const observed = await observe(deps, options, clock.now(), signal)
      const planned = nextStep(observed.state, clock.now(), options.times)
      const step: Step = planned.do === 'done' && isForced ? { do: 'prepare' } : planned
      log.debug('step', { step, phase: observed.state.phase })
      if (step.do !== 'wait' && step.do !== 'done') await act(deps, options, observed, step, signal)
      return { step, isRotating: step.do === 'prepare' || observed.state.phase !== 'Steady' }
    },
    {
      attempts: 8,
      retryable: (error) => error instanceof TransientError || hasCode(error, 'Conflict'),
      onRetry: (error, attempt, waitMs) => log.warn('step is tried again', { error, attempt, waitMs }),
      ...(options.random && { random: options.random }),
    },
    signal,
  )
}
