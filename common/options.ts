import { parseDuration } from './duration.ts'
import { InputError } from './errors.ts'

/** How the text of an option becomes its value. */
export const optionTypes = {
  string: (text: string): string => text,
  integer: (text: string, name: string): number => toNumber(text, name, /^-?\d+$/, 'a whole number'),
  number: (text: string, name: string): number => toNumber(text, name, /^-?\d+(\.\d+)?$/, 'a number'),
  boolean: toBoolean,
  /** Milliseconds; written as Go's flags do ("15s", "10m"). */
  duration: parseDuration,
  /** Items separated by commas. */
  list: (text: string): readonly string[] =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
} as const

export type OptionType = keyof typeof optionTypes
type ValueOf<T extends OptionType> = ReturnType<(typeof optionTypes)[T]>

/** One row of a program's option table: source of flag, environment variable, `--help` and the docs. */
export interface OptionDeclaration {
  type: OptionType
  /** As a user would write it on the command line; null makes the option required. */
  default: string | null
  description: string
  /** The only texts allowed. */
  choices?: readonly string[]
  min?: number
  max?: number
  /** One letter: `o` makes `-o` the same flag. */
  short?: string
}

export type OptionTable = Readonly<Record<string, OptionDeclaration>>

type TextOf<D extends OptionDeclaration> = D['choices'] extends readonly (infer C)[] ? C : ValueOf<D['type']>

/** The values of a table by their declared names: `'lease-duration'` stays `'lease-duration'`. */
export type Options<T extends OptionTable> = { readonly [K in keyof T]: TextOf<T[K]> }

/** All mistakes of a command line at once; its message has one line for each. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError'
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'))
    this.mistakes = mistakes
  }
}

/** `--scale-down-delay` is also the variable `SCALE_DOWN_DELAY`. */
export function variableName(option: string): string {
  return option.toUpperCase().replaceAll('-', '_')
}

/**
 * Reads a frozen options object from flags (`--name value`, `--name=value`, a boolean's bare `--name`) and
 * environment; a flag beats a variable beats the default. Throws `OptionsError` listing all mistakes.
 * `relations` checks what several options must hold together and returns sentences.
 */
export function parseOptions<const T extends OptionTable>(
  table: T,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
  relations: (options: Options<T>) => string[] = () => [],
): Options<T> {
  const mistakes: string[] = []
  const flags = readFlags(table, args, mistakes)
  const entries = Object.entries(table).map(([name, declaration]) => {
    const text = flags.get(name) ?? environment[variableName(name)] ?? declaration.default
    return [name, readOption(name, declaration, text, mistakes)]
  })
  const options = Object.freeze(Object.fromEntries(entries)) as Options<T>
  if (mistakes.length === 0) mistakes.push(...relations(options))
  if (mistakes.length > 0) throw new OptionsError(mistakes)
  return options
}

function readFlags(table: OptionTable, args: readonly string[], mistakes: string[]): Map<string, string> {
  const flags = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const [, name = '', inline] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(longForm(table, args[i] ?? '')) ?? []
    const declaration = Object.hasOwn(table, name) ? table[name] : undefined
    if (!declaration) {
      mistakes.push(`unknown option "${args[i]}": see --help`)
    } else if (inline !== undefined) {
      flags.set(name, inline)
    } else if (declaration.type === 'boolean' && !/^(true|false)$/.test(args[i + 1] ?? '')) {
      flags.set(name, 'true')
    } else if (i + 1 < args.length) {
      flags.set(name, args[++i] ?? '')
    } else {
      mistakes.push(`--${name} needs a value`)
    }
  }
  return flags
}

function longForm(table: OptionTable, arg: string): string {
  const letter = /^-([a-z])$/.exec(arg)?.[1]
  const [name] = Object.entries(table).find(([, { short }]) => letter !== undefined && short === letter) ?? []
  return name === undefined ? arg : `--${name}`
}

function readOption(
  name: string,
  declaration: OptionDeclaration,
  text: string | null,
  mistakes: string[],
): unknown {
  const { type, choices, min = -Infinity, max = Infinity } = declaration
  if (text === null) {
    mistakes.push(`--${name} is required (or the variable ${variableName(name)})`)
    return undefined
  }
  if (choices && !choices.includes(text)) {
    mistakes.push(`--${name}: must be one of ${choices.join(', ')}: current value is "${text}"`)
    return undefined
  }
  try {
    const value = optionTypes[type](text, `--${name}`)
    if (typeof value === 'number' && (value < min || value > max)) {
      throw new InputError(`--${name}`, `must be ${rangeText(declaration)}: current value is "${text}"`)
    }
    return value
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    mistakes.push(error.message)
    return undefined
  }
}

function rangeText({ type, min, max }: OptionDeclaration): string {
  const unit = type === 'duration' ? ' ms' : ''
  if (min !== undefined && max !== undefined) return `${min}${unit} to ${max}${unit}`
  return min === undefined ? `at most ${max}${unit}` : `at least ${min}${unit}`
}

/** The text of `--help`: one line an option, with its variable and default. */
export function helpText(program: string, summary: string, table: OptionTable): string {
  const lines = Object.entries(table).map(([name, { type, default: fallback, description, choices }]) => {
    const value = choices ? choices.join('|') : type
    const note = fallback === null ? 'required' : `default ${JSON.stringify(fallback)}`
    return `  --${name} <${value}>\n      ${description} (${note}, ${variableName(name)})`
  })
  return [`${program}: ${summary}`, '', 'Options, each also an environment variable:', ...lines, ''].join(
    '\n',
  )
}

function toNumber(text: string, name: string, form: RegExp, what: string): number {
  if (!form.test(text.trim())) throw new InputError(name, `must be ${what}: current value is "${text}"`)
  return Number(text)
}

function toBoolean(text: string, name: string): boolean {
  if (text !== 'true' && text !== 'false') {
    throw new InputError(name, `must be true or false: current value is "${text}"`)
  }
  return text === 'true'
}
