import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { errorText } from '../../../common/errors.ts'
import { type Options, OptionsError, type OptionTable } from '../../../common/options.ts'
import { runCommandLine } from '../../fixtures/command-line.ts'
import type { Result } from './bench.ts'
import { benches } from './benches.ts'

const run = promisify(execFile)
const options = {
  json: { type: 'boolean', default: 'false', description: 'Print the results as one JSON array.' },
  only: { type: 'string', default: '', description: 'Run the benchmarks whose name contains this.' },
} as const satisfies OptionTable

/** Runs the benchmarks one after the other and prints our figure beside the peer's. */
async function main({ json, only }: Options<typeof options>): Promise<number> {
  const wanted = benches.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()))
  if (wanted.length === 0) throw new OptionsError([`--only: no benchmark is called like "${only}"`])
  const results: Result[] = []
  let failed = false
  const row = (cells: readonly string[]) =>
    json ||
    process.stdout.write(
      `${cells.map((cell, i) => (i === 0 ? cell.padEnd(58) : cell.padStart(11))).join(' ')}\n`,
    )
  row(['workload', 'nodes', 'removed', 'per hour', 'ours ms', 'peer ms', 'faster', 'RSS MB'])
  for (const { name, peer } of wanted) {
    const result = await measure(name)
    if (typeof result === 'string') {
      failed = true
      process.stderr.write(`${name}: WRONG: ${result}\n`)
      continue
    }
    results.push(result)
    row(cellsOf(result))
    if (!json && result.note) process.stdout.write(`  ${result.note}\n`)
    if (!json && result.peerMs !== null) process.stdout.write(`  peer: ${peer}\n`)
  }
  if (json) process.stdout.write(`${JSON.stringify(results.map(({ note: _, ...rest }) => rest))}\n`)
  return failed ? 1 : 0
}

// The heap of a controller that has run for a while is not made anew for each decision.
const flags = ['--expose-gc', '--min-semi-space-size=32']

/** The result, or what is wrong with the outcome. */
async function measure(name: string): Promise<Result | string> {
  const entry = new URL('one.ts', import.meta.url).pathname
  try {
    const { stdout } = await run(process.execPath, [...flags, entry, name], { maxBuffer: 2 ** 24 })
    return JSON.parse(stdout) as Result
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    return /^Error: (.*)$/m.exec(stderr)?.[1] ?? errorText(error)
  }
}

function cellsOf({ name, nodes, removed, hourlyPrice, decideMs, peerMs, rssMB }: Result): string[] {
  const number = (value: number | null | undefined) =>
    value === null || value === undefined ? '' : value.toLocaleString('en')
  const faster = peerMs === null ? '' : `${(peerMs / decideMs).toFixed(0)} x`
  return [
    name,
    number(nodes),
    number(removed),
    number(hourlyPrice),
    number(decideMs),
    number(peerMs),
    faster,
    number(rssMB),
  ]
}

/** How fast, how cheap and how good the decision's plans are, beside the peers'. */
export function decideSuite(): Promise<void> {
  return runCommandLine({
    name: 'npm run bench -- decide',
    summary: "measures the decision beside the peers' on their own workloads.",
    options,
    main,
  })
}
