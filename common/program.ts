import { readFileSync } from 'node:fs'
import { collectDefaultMetrics } from 'prom-client'
import { systemClock } from './clock.ts'
import { isAbort } from './errors.ts'
import { createLogger, type Logger, logFormats, logLevels } from './log.ts'
import { Registry } from './metrics.ts'
import { helpText, type Options, OptionsError, type OptionTable, parseOptions } from './options.ts'

/** The options that every program has. */
export const logOptions = {
  'log-level': {
    type: 'string',
    default: 'info',
    choices: logLevels,
    description: 'Least severe lines to log',
  },
  'log-format': { type: 'string', default: 'json', choices: logFormats, description: 'Form of a log line' },
} as const satisfies OptionTable

const defaultLagEveryMs = 10
// Gauges that prom-client calls totals, which `promtool check metrics` refuses; the same by type remain.
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/** What a program's `main` is given besides its options. */
export interface ProgramContext<C extends string = string> {
  log: Logger
  /** Holds the default process metrics already. */
  registry: Registry
  /** The first argument, of a program that has commands. */
  command: C
  /** What the command is about, of a program that takes an operand; else empty. */
  operand: string
}

export interface Program<T extends OptionTable, C extends string> {
  name: string
  /** One sentence for `--help`. */
  summary: string
  /** Its options; those of `logOptions` are added. */
  options: T
  /** Mistakes that several options make together, as sentences. */
  relations?: (options: Options<T>) => string[]
  /** With it, the first argument must be one of these. */
  commands?: readonly C[]
  /** With it, the argument after the command is required; this is what it is called. */
  operand?: string
  /** Between two looks at how late the event loop runs, milliseconds. Default 10, which takes 0.6 % of a CPU. */
  lagEveryMs?: number
  /** Runs until done or until `signal` aborts; may give an exit code other than 0. */
  main: (
    options: ProgramOptions<T>,
    context: ProgramContext<C>,
    signal: AbortSignal,
  ) => Promise<void> | Promise<number>
}

export type ProgramOptions<T extends OptionTable> = Options<T> & Options<typeof logOptions>

/**
 * Runs a program from its command line to its exit code; the only reader of `process`.
 * Exit 0: done, or stopped by SIGTERM or SIGINT. 1: `main` failed, or something was thrown that nobody caught.
 * 2: the command line is wrong; all mistakes are on standard error. A second signal ends the process at once.
 */
export async function runProgram<const T extends OptionTable, const C extends string = never>(
  program: Program<T, C>,
): Promise<void> {
  const args = process.argv.slice(2)
  if (args.includes('--help')) return print(helpOf(program))
  if (args.includes('--version')) return print(`${program.name} ${version()}\n`)
  const parsed = readCommandLine(program, args)
  if (parsed instanceof OptionsError) {
    process.stderr.write(`${parsed.message}\n`)
    process.exitCode = 2
    return
  }
  const { options, command, operand } = parsed
  const log = createLogger({
    level: options['log-level'],
    format: options['log-format'],
    component: program.name,
  })
  const registry = new Registry()
  collectDefaultMetrics({
    register: registry,
    eventLoopMonitoringPrecision: program.lagEveryMs ?? defaultLagEveryMs,
  })
  for (const name of misnamed) registry.removeSingleMetric(name)
  endOnUncaught(log)
  const signal = abortOnSignals(log)
  await end(
    log,
    await exitCodeOf(program.main(options, { log, registry, command, operand }, signal), log, signal),
  )
}

interface CommandLine<T extends OptionTable, C extends string> {
  options: ProgramOptions<T>
  command: C
  operand: string
}

function readCommandLine<T extends OptionTable, C extends string>(
  { options: table, relations, commands, operand: wanted }: Program<T, C>,
  args: readonly string[],
): CommandLine<T, C> | OptionsError {
  const command = commands?.find((each) => each === args[0])
  const mistakes =
    commands && command === undefined ? [`the command must be one of ${commands.join(', ')}`] : []
  // Without a known command its place is free or a mistyped word; the options behind it are checked all the same.
  const place = commands && !args[0]?.startsWith('-') ? 1 : 0
  const operand = wanted !== undefined && args[place]?.startsWith('-') === false ? args[place] : ''
  if (wanted !== undefined && operand === '') mistakes.push(`after the command comes ${wanted}`)
  const skipped = place + (operand === '' ? 0 : 1)
  const all = { ...logOptions, ...table }
  try {
    const options = parseOptions(all, args.slice(skipped), process.env, relations && ((o) => relations(o)))
    if (mistakes.length > 0) return new OptionsError(mistakes)
    return { options, command, operand } as CommandLine<T, C> // no commands: C is never, and nobody can read one
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error
    return new OptionsError([...mistakes, ...error.mistakes])
  }
}

function helpOf({
  name,
  summary,
  options,
  commands = [],
  operand = '',
}: Pick<Program<OptionTable, string>, 'name' | 'summary' | 'options' | 'commands' | 'operand'>): string {
  const usage = [name, commands.join('|'), operand].filter((word) => word !== '').join(' ')
  return helpText(usage, summary, { ...logOptions, ...options })
}

/** The root signal: aborts at the first SIGTERM or SIGINT. The second ends the process as the signal itself would. */
function abortOnSignals(log: Logger): AbortSignal {
  const root = new AbortController()
  for (const [name, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    process.on(name, () => {
      if (root.signal.aborted) process.exit(code)
      log.info('stopping', { signal: name })
      root.abort(new DOMException(`stopped by ${name}`, 'AbortError'))
    })
  }
  return root.signal
}

function endOnUncaught(log: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      log.error('uncaught error', { event, error })
      void end(log, 1)
    })
  }
}

async function exitCodeOf(
  running: Promise<void> | Promise<number>,
  log: Logger,
  signal: AbortSignal,
): Promise<number> {
  try {
    return (await running) ?? 0
  } catch (error) {
    if (isAbort(error, signal)) return 0
    log.error('failed', { error })
    return 1
  }
}

// Leaves with an explicit exit, so that a forgotten timer or socket cannot keep a stopped program alive.
async function end(log: Logger, code: number): Promise<never> {
  const { promise: flushed, resolve } = Promise.withResolvers<void>()
  log.once('finish', resolve)
  log.end()
  await Promise.race([flushed, systemClock.sleep(1000)])
  process.exit(code)
}

function print(text: string): void {
  process.stdout.write(text)
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
