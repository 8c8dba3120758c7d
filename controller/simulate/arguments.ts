import { fromTimestamp } from '../../common/clock.ts'
import { type Options, OptionsError, type OptionTable, parseOptions } from '../../common/options.ts'

/** What a simulation was asked for. */
export interface Request<T extends OptionTable> {
  files: string[]
  /** Milliseconds since the epoch; undefined means now. */
  at: number | undefined
  output: 'json' | 'table'
  /** Pod `namespace/name` and node of `--fit`. */
  fit: { pod: string; node: string } | undefined
  /** Objects of `--explain`, as given. */
  explain: string[]
  options: Options<T>
}

export const usageText = `simulate: decides about a written-down cluster state and prints the plan; it changes nothing.

  --state FILE...             YAML or JSON (.gz too), several documents or a List; "-" is standard input
  --at TIME                   RFC 3339 time of the decision (default: now)
  --set OPTION=VALUE          an option of the controller
  -o json|table               how to print (default: table)
  --fit NAMESPACE/POD@NODE    only answer whether the pod could run there
  --explain OBJECT            only print the reasons of node/NAME, pod/NAMESPACE/NAME or group/[NAMESPACE/]NAME
`

/** Reads the command line. Throws `OptionsError` listing all mistakes. */
export function parseArguments<const T extends OptionTable>(args: readonly string[], table: T): Request<T> {
  const mistakes: string[] = []
  const request: Omit<Request<T>, 'options'> = {
    files: [],
    at: undefined,
    output: 'table',
    fit: undefined,
    explain: [],
  }
  const settings: string[] = []
  for (const [flag, value] of pairs(args, mistakes)) {
    if (flag === '--state') request.files.push(value)
    else if (flag === '--at') request.at = readTime(value, mistakes)
    else if (flag === '--set') settings.push(`--${value}`)
    else if (flag === '-o' || flag === '--output') request.output = readOutput(value, mistakes)
    else if (flag === '--fit') request.fit = readFit(value, mistakes)
    else if (flag === '--explain') request.explain.push(readObject(value, mistakes))
    else mistakes.push(`unknown option "${flag}": see --help`)
  }
  if (request.files.length === 0) mistakes.push('--state is required')
  const options = readOptions(table, settings, mistakes)
  if (mistakes.length > 0 || !options) throw new OptionsError(mistakes)
  return { ...request, options }
}

/** Every flag with each of its values; only `--state` takes several. */
function pairs(args: readonly string[], mistakes: string[]): [string, string][] {
  const found: [string, string][] = []
  let flag = ''
  let isOpen = false
  for (const arg of args) {
    const [, name, inline] = /^(--?[a-z][a-z-]*)(?:=([\s\S]*))?$/.exec(arg) ?? []
    if (name !== undefined) {
      if (isOpen) mistakes.push(`${flag} needs a value`)
      flag = name
      isOpen = inline === undefined
      if (inline !== undefined) found.push([flag, inline])
    } else if (isOpen || flag === '--state') {
      found.push([flag, arg])
      isOpen = false
    } else {
      mistakes.push(`unexpected "${arg}": see --help`)
    }
  }
  if (isOpen) mistakes.push(`${flag} needs a value`)
  return found
}

function readTime(text: string, mistakes: string[]): number | undefined {
  const at = fromTimestamp(text)
  if (at === undefined) mistakes.push(`--at: must be an RFC 3339 time: current value is "${text}"`)
  return at
}

function readOutput(text: string, mistakes: string[]): 'json' | 'table' {
  if (text === 'json' || text === 'table') return text
  mistakes.push(`-o: must be one of json, table: current value is "${text}"`)
  return 'table'
}

function readFit(text: string, mistakes: string[]): { pod: string; node: string } | undefined {
  const [, pod, node] = /^([^/@]+\/[^/@]+)@([^/@]+)$/.exec(text) ?? []
  if (pod !== undefined && node !== undefined) return { pod, node }
  mistakes.push(`--fit: must be namespace/pod@node: current value is "${text}"`)
  return undefined
}

function readObject(text: string, mistakes: string[]): string {
  if (!/^(node\/[^/]+|pod\/[^/]+\/[^/]+|group\/[^/]+(\/[^/]+)?)$/.test(text)) {
    mistakes.push(
      `--explain: must be node/NAME, pod/NAMESPACE/NAME or group/NAME: current value is "${text}"`,
    )
  }
  return text
}

function readOptions<T extends OptionTable>(
  table: T,
  settings: readonly string[],
  mistakes: string[],
): Options<T> | undefined {
  try {
    return parseOptions(table, settings)
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error
    mistakes.push(...error.mistakes.map((mistake) => `--set: ${mistake}`))
    return undefined
  }
}
