import type { Options, OptionTable } from '../../common/options.ts'
import { runCommandLine } from '../fixtures/command-line.ts'
import { type CheckOptions, checkMachines, shrink } from './machines/check.ts'
import { defects } from './machines/defects.ts'
import { checkInParallel, isBroken } from './machines/parallel.ts'

const options = {
  runs: {
    type: 'integer',
    default: '200',
    min: 1,
    max: 1_000_000,
    description: 'How many scripts are played.',
  },
  seed: {
    type: 'integer',
    default: '1',
    min: 1,
    max: 1_000_000_000,
    description: 'Seed of the first script; the next one has the next.',
  },
  defect: { type: 'string', default: 'none', choices: [...defects], description: 'A mistake to build in.' },
  json: { type: 'boolean', default: 'false', description: 'Print the result as one JSON object.' },
  trace: { type: 'boolean', default: 'false', description: 'Tell everything that happens; for one run.' },
  shrink: {
    type: 'boolean',
    default: 'false',
    description: 'Look for a shorter script that goes wrong too.',
  },
} as const satisfies OptionTable

/** Plays random faults against the controller in virtual time. Exit code 1 if anything went wrong. */
async function main({
  runs,
  seed,
  defect,
  json,
  trace,
  shrink: shorter,
}: Options<typeof options>): Promise<number> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const onFailure: CheckOptions['onFailure'] = (failing, { sentences }) =>
    tell(`seed ${failing}: ${sentences.join('\n  ')}`)
  const result = trace
    ? await checkMachines({ runs, seed, defect, trace: tell, onFailure })
    : await checkInParallel({ runs, seed, defect }, onFailure)
  if (isBroken(result) && shorter) tell(JSON.stringify(await shrink(result.seed, defect), undefined, 1))
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  else
    for (const [name, value] of Object.entries(result)) process.stdout.write(`${name.padEnd(20)}${value}\n`)
  return isBroken(result) ? 1 : 0
}

await runCommandLine({
  name: 'npm run check:machines --',
  summary: 'plays random faults against the controller.',
  options,
  main,
})
