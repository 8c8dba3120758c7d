import { formatDuration } from '../../common/duration.ts'
import { errorText } from '../../common/errors.ts'

/** One step of the story. */
export interface Step<W> {
  name: string
  /** What is asked, as a person would say it; printed before it happens. */
  asked: string
  /** Carries it out, and gives what happened in a sentence. `tell` prints a line on the way. Throws if it is not as told. */
  run(world: W, tell: (line: string) => void, signal: AbortSignal): Promise<string>
}

export interface StepResult {
  name: string
  ok: boolean
  seconds: number
  detail: string
}

// Every step ends in time, so that the whole story does.
const longestStepMs = 45_000

/**
 * Plays the steps in order and prints what happens. A step that fails ends the story: what comes later builds on it.
 * Gives the results of the steps that were played.
 */
export async function playStory<W>(
  world: W,
  steps: readonly Step<W>[],
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (const [index, step] of steps.entries()) {
    print(`\n${index + 1}. ${step.name}`)
    print(`   asked:    ${step.asked}`)
    const result = await playStep(world, step, (line) => print(`             ${line}`), signal)
    print(`   ${result.ok ? 'happened: ' : 'FAILED:   '}${result.detail}`)
    print(`   took:     ${formatDuration(result.seconds * 1000)}`)
    results.push(result)
    if (!result.ok) break
  }
  return results
}

async function playStep<W>(
  world: W,
  { name, run }: Step<W>,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<StepResult> {
  const started = performance.now()
  const seconds = () => Math.round((performance.now() - started) / 100) / 10
  try {
    const detail = await run(world, tell, AbortSignal.any([signal, AbortSignal.timeout(longestStepMs)]))
    return { name, ok: true, seconds: seconds(), detail }
  } catch (error) {
    return { name, ok: false, seconds: seconds(), detail: errorText(error) }
  }
}
