import type { Options, OptionTable } from '../../common/options.ts'
import { runCommandLine } from '../fixtures/command-line.ts'
import { fuzzAdmission } from './admission/fuzz.ts'

const options = {
  runs: {
    type: 'integer',
    default: '20000',
    min: 1,
    max: 10_000_000,
    description: 'How many calls are sent.',
  },
  seed: {
    type: 'integer',
    default: '1',
    min: 0,
    max: 1_000_000,
    description: 'Which calls: the same for the same seed.',
  },
  json: { type: 'boolean', default: 'false', description: 'Print the result as one JSON object.' },
} as const satisfies OptionTable

const mostGrowthMB = 20

/** Random and mutated reviews over the wire. Exit code 1 if any went wrong, or the server grew. */
async function main({ runs, seed, json }: Options<typeof options>): Promise<number> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const result = await fuzzAdmission({ runs, seed, tell })
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  else
    for (const [name, value] of Object.entries(result)) process.stdout.write(`${name.padEnd(14)}${value}\n`)
  const { crashes, hangs, wrongStatus, rssGrowthMB } = result
  return crashes + hangs + wrongStatus === 0 && rssGrowthMB < mostGrowthMB ? 0 : 1
}

await runCommandLine({
  name: 'npm run check:admission --',
  summary: 'sends random and mutated admission reviews over the wire.',
  options,
  main,
})
