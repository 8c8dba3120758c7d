import { errorText, InputError } from '../../common/errors.ts'
import { OptionsError, type OptionTable } from '../../common/options.ts'
import { decide } from '../decide/decide.ts'
import { fitOf } from '../decide/fit-query.ts'
import type { decideOptions } from '../decide/options.ts'
import { parseArguments, type Request, usageText } from './arguments.ts'
import { readDocuments } from './documents.ts'
import { explain, planText, sentence } from './print.ts'
import { readState } from './state.ts'

/** What a simulation needs of the outside. */
export interface SimulateDeps {
  /** Content of a file; `-` is standard input. */
  readFile(name: string): Buffer
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
export function simulate<const T extends Table>(
  deps: SimulateDeps,
  args: readonly string[],
  table: T,
): number {
  if (args.includes('--help') || args.includes('-h')) {
    deps.out(usageText)
    return 0
  }
  try {
    run(deps, parseArguments<Table>(args, table))
    return 0
  } catch (error) {
    if (!(error instanceof InputError || error instanceof OptionsError)) throw error
    deps.err(`${error.message}\n`)
    return 2
  }
}

function run(
  deps: SimulateDeps,
  { files, at = deps.now(), options, fit, explain: objects, output }: Request<Table>,
): void {
  const started = deps.monotonic()
  const documents = files.flatMap((name) => readDocuments(name, contentOf(deps, name)))
  const { state, notes } = readState(documents, { namespaces: options.namespaces, usage: options.usage })
  for (const note of notes) deps.err(`note: ${note}\n`)
  const parsed = deps.monotonic()
  if (fit) {
    const answer = fitOf(state, options, at, fit.pod, fit.node)
    deps.out(output === 'json' ? json(answer) : `${answer.fits ? 'fits' : sentence(answer.reasons)}\n`)
    return
  }
  const plan = decide(state, options, at)
  const durationMs = { parse: round(parsed - started), decide: round(deps.monotonic() - parsed) }
  if (objects.length > 0) deps.out(`${objects.map((object) => explain(plan, object)).join('\n')}\n`)
  else deps.out(output === 'json' ? json({ ...plan, durationMs }) : `${planText(plan)}\n`)
}

function contentOf(deps: SimulateDeps, name: string): Buffer {
  try {
    return deps.readFile(name)
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
