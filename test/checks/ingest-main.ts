import type { Options, OptionTable } from '../../common/options.ts'
import { runCommandLine } from '../fixtures/command-line.ts'
import { fuzzIngest } from './ingest.ts'

const options = {
  runs: {
    type: 'integer',
    default: '20000',
    min: 1,
    max: 10_000_000,
    description: 'How many reports are sent.',
  },
  seed: { type: 'integer', default: '1', description: 'The same seed sends the same.' },
  json: { type: 'boolean', default: 'false', description: 'Print the result as one JSON object.' },
} as const satisfies OptionTable

/** Sends reports that are wrong in every way. Exit code 1 if one was taken, answered otherwise, or broke something. */
async function main({ runs, seed, json }: Options<typeof options>): Promise<number> {
  const { wronglyAnswered, ...result } = await fuzzIngest(runs, seed)
  for (const [what, count] of Object.entries(wronglyAnswered))
    process.stderr.write(`${what}, ${count} times\n`)
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  else
    for (const [name, value] of Object.entries(result)) process.stdout.write(`${name.padEnd(18)}${value}\n`)
  return result.crashes + result.wronglyAccepted + Object.keys(wronglyAnswered).length === 0 ? 0 : 1
}

await runCommandLine({
  name: 'npm run check:ingest --',
  summary: 'sends forged, broken, replayed, oversized and slow reports.',
  options,
  main,
})
