import type { Options, OptionTable } from '../../common/options.ts'
import { comeUp } from '../demo/steps/come-up.ts'
import { createWorld } from '../demo/world.ts'
import { runCommandLine } from '../fixtures/command-line.ts'
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
async function main({ rotations, json }: Options<typeof options>): Promise<number> {
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

await runCommandLine({
  name: 'npm run check:rotation --',
  summary: 'rotates certificates under load.',
  options,
  main,
})
