import { errorText, InputError } from '../../common/errors.ts'
import { OptionsError, type OptionTable } from '../../common/options.ts'
import { decide } from '../decide/decide.ts'
import { fitOf } from '../decide/fit-query.ts'
import type { decideOptions } from '../decide/options.ts'
import type { Plan } from '../decide/plan.ts'
import { explain } from '../explain/explain.ts'
import type { Explanation, Subject } from '../explain/explanation.ts'
import { findSubject, nearNames } from '../explain/subject.ts'
import { explanationText, sentence } from '../explain/text.ts'
import type { Situation } from '../explain/what-if/situation.ts'
import { parseArguments, type Request, usageText } from './arguments.ts'
import { type Document, readDocuments } from './documents.ts'
import { planText } from './print.ts'
import { createProgress, type Progress } from './progress.ts'
import { readState } from './state.ts'

/** What a simulation needs of the outside. */
export interface SimulateDeps {
  /** Content of a file as it comes; `-` is standard input. */
  readFile(name: string): AsyncIterable<Uint8Array>
  /** Whether `err` goes to a terminal. */
  readonly isTerminal: boolean
  /** Milliseconds since the epoch, for a simulation without `--at`. */
  now(): number
  /** Milliseconds of a counter that never goes back. */
  monotonic(): number
  out(text: string): void
  err(text: string): void
}

type Table = OptionTable &
  typeof decideOptions & { namespaces: { type: 'list'; default: string; description: string } }

/**
 * Runs `simulate` for a command line, with the controller's option `table`. Gives the exit code: 0, or 2 for a bad
 * command line or state, told on `err` with document, path and value.
 */
export async function simulate<const T extends Table>(
  deps: SimulateDeps,
  args: readonly string[],
  table: T,
): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    deps.out(usageText)
    return 0
  }
  try {
    await run(deps, parseArguments<Table>(args, table))
    return 0
  } catch (error) {
    if (!(error instanceof InputError || error instanceof OptionsError)) throw error
    deps.err(`${error.message}\n`)
    return 2
  }
}

async function run(
  deps: SimulateDeps,
  { files, at = deps.now(), options, fit, explain: objects, output }: Request<Table>,
): Promise<void> {
  const progress = createProgress(deps)
  const started = deps.monotonic()
  const documents = documentsOf(deps, files, progress)
  const { state, notes } = await readState(documents, {
    namespaces: options.namespaces,
    usage: options.usage,
  })
  progress.at(`deciding about ${state.pods.length} pods and ${state.nodes.length} nodes`)
  for (const note of notes) deps.err(`note: ${note}\n`)
  const parsed = deps.monotonic()
  if (fit) {
    const answer = fitOf(state, options, at, fit.pod, fit.node)
    deps.out(output === 'json' ? json(answer) : `${answer.fits ? 'fits' : sentence(answer.reasons)}\n`)
    return
  }
  const plan = decide(state, options, at)
  progress.done()
  const durationMs = { parse: round(parsed - started), decide: round(deps.monotonic() - parsed) }
  if (objects.length > 0) {
    const explanations = await explainAll({ state, options, now: at }, plan, objects)
    deps.out(output === 'json' ? json(explanations) : `${explanations.map(explanationText).join('\n')}\n`)
  } else deps.out(output === 'json' ? json({ ...plan, durationMs }) : `${planText(plan)}\n`)
}

async function explainAll(
  situation: Situation,
  plan: Plan,
  objects: readonly string[],
): Promise<Explanation[]> {
  const subjects = objects.map((object) => subjectOf(plan, object))
  const found: Explanation[] = []
  for (const subject of subjects) {
    const explanation = await explain(situation, plan, subject)
    if (explanation) found.push(explanation)
  }
  return found
}

/** The subject of `node/NAME`, `pod/NAMESPACE/NAME` or `group/NAME`. */
function subjectOf(plan: Plan, object: string): Subject {
  const [word = '', ...rest] = object.split('/')
  const [kind, name] = [word as Subject['kind'], rest.join('/')]
  const subject = findSubject(plan, kind, name)
  if (subject) return subject
  const near = nearNames(plan, kind, name)
  const hint = near.length > 0 ? `; it knows ${near.join(', ')}` : ''
  throw new InputError('--explain', `the plan does not know ${kind} "${name}"${hint}`)
}

async function* documentsOf(
  deps: SimulateDeps,
  files: readonly string[],
  progress: Progress,
): AsyncGenerator<Document> {
  let count = 0
  for (const name of files) {
    for await (const document of readDocuments(name, contentOf(deps, name))) {
      progress.at(`reading ${name}: ${++count} objects`)
      yield document
    }
  }
}

async function* contentOf(deps: SimulateDeps, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* deps.readFile(name)
  } catch (error) {
    throw new InputError('--state', `cannot read "${name}": ${errorText(error)}`)
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
