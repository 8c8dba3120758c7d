import { helpText, OptionsError, type OptionTable, parseOptions } from '../../common/options.ts'
import { comeUp } from '../demo/steps/come-up.ts'
import { createWorld } from '../demo/world.ts'
import { openSimulatedFloor } from '../floors/simulated.ts'
import { rotateUnderLoad, tryNodeGroup } from './rotation.ts'

const options = {
  rotations: {
    type: 'integer',
    default: '20',
    min: 1,
    max: 1000,
    description: 'How often the authority is rotated.',
  },
  json: { type: 'boolean', default: 'false', description: 'Print the result as one JSON object.' },
} as const satisfies OptionTable

// What a kubelet may be late with, compressed as the job's own waits are.
const latestMs = 1_500

/** Rotates under load on this machine: real programs, real TLS, late volumes. Exit code 1 if anything was refused. */
async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(helpText('npm run check:rotation --', 'rotates certificates under load.', options))
    return 0
  }
  const { rotations, json } = parseOptions(options, args)
  const tell = (line: string) => void (json ? process.stderr : process.stdout).write(`${line}\n`)
  const delayMs = () => Math.random() * latestMs
  const world = await createWorld(await openSimulatedFloor(), { mountDelayMs: delayMs })
  try {
    tell(await comeUp.run(world, tell, world.signal))
    const load = { rotations, admit: tryNodeGroup(world), parallel: 4, bundleDelayMs: delayMs }
    const result = await rotateUnderLoad(world, load, tell, world.signal)
    if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
    else for (const [name, value] of Object.entries(result)) tell(`${name.padEnd(16)}${value}`)
    return result.rejected + result.refusedReports === 0 ? 0 : 1
  } finally {
    await world.stop()
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof OptionsError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}
