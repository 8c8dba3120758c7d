import { createReadStream } from 'node:fs'
import { systemClock } from '../common/clock.ts'
import { controllerOptions } from './options.ts'
import { simulate } from './simulate/run.ts'

/** The command `node controller/simulate.ts`: the decision of the controller for a state in files. */
process.exitCode = await simulate(
  {
    readFile: (name) => (name === '-' ? process.stdin : createReadStream(name, { highWaterMark: 2 ** 20 })),
    isTerminal: process.stderr.isTTY === true,
    now: systemClock.now,
    monotonic: systemClock.monotonic,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  },
  process.argv.slice(2),
  controllerOptions,
)
