import { abortable } from '../common/abortable.ts'
import { type Clock, withDeadline } from '../common/clock.ts'
import { errorText, TransientError } from '../common/errors.ts'
import type { Logger } from '../common/log.ts'
import type { AgentMetrics } from './metrics.ts'
import type { Sample } from './sample/read.ts'
import { figuresOf, type Step, stepOf, type WindowFigures } from './usage.ts'

interface Deps {
  clock: Clock
  log: Logger
  metrics: Pick<AgentMetrics, 'agent_samples_total'>
  read: () => Promise<Sample>
}

/** Samples the machine now and then. */
export interface Sampler {
  /** What has happened since the last call; undefined if nothing could be measured. */
  take(): WindowFigures | undefined
  /** The last sample that could be read; undefined before the first. Its `at` tells whether sampling goes on. */
  readonly last: Sample | undefined
  /** How many steps wait to be taken. */
  readonly waiting: number
}

// Steps are kept for one report; if nobody takes them for long, the oldest go.
const mostSteps = 240
// Reading takes a fraction of a millisecond; what hangs, and is not the kernel itself, must not hang the agent.
const readMs = 2_000

/** Samples every `intervalMs` until `signal` aborts. A sample that cannot be read is counted, told once, and dropped. */
export function startSampler(deps: Deps, intervalMs: number, signal: AbortSignal): Sampler {
  const { clock, log, metrics } = deps
  const read = limited(deps)
  let last: Sample | undefined
  let steps: Step[] = []
  let problem = ''

  async function sample(): Promise<void> {
    try {
      const next = await read(signal)
      const step = last && stepOf(last, next, intervalMs)
      metrics.agent_samples_total.inc({ result: last && !step ? 'skipped' : 'taken' })
      if (step) steps = [...steps, step].slice(-mostSteps)
      tellPressure(last, next)
      last = next
      if (problem !== '') log.info('samples can be read again')
      problem = ''
    } catch (error) {
      if (signal.aborted) return
      metrics.agent_samples_total.inc({ result: 'failed' })
      const text = errorText(error)
      if (text !== problem) log.error('sample could not be read', { error: text })
      problem = text
    }
  }

  function tellPressure(before: Sample | undefined, { psi }: Sample): void {
    if (typeof psi === 'string' && psi !== before?.psi) log.info('pressure is not reported', { reason: psi })
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await sample()
      await clock.sleep(intervalMs, signal).catch(() => undefined)
    }
  }

  void run()
  return {
    take() {
      const figures = figuresOf(steps)
      steps = []
      return figures
    },
    get last() {
      return last
    },
    get waiting() {
      return steps.length
    },
  }
}

/**
 * Gives a reading its time limit. One that hangs cannot be called off, and holds threads that others need, so the next
 * begins only when it has ended.
 */
function limited({ clock, read }: Pick<Deps, 'clock' | 'read'>): (signal: AbortSignal) => Promise<Sample> {
  let isReading = false
  const ended = () => {
    isReading = false
  }
  return async (signal) => {
    if (isReading) throw new TransientError('the last reading hangs', { code: 'Timeout' })
    isReading = true
    const reading = read()
    reading.then(ended, ended)
    const deadline = withDeadline(clock, readMs, signal)
    try {
      return await abortable(reading, deadline)
    } catch (error) {
      if (error !== deadline.reason || signal.aborted) throw error
      throw new TransientError(`must be readable within ${readMs} ms`, { code: 'Timeout', cause: error })
    }
  }
}
