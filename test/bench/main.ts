import { OptionsError } from '../../common/options.ts'
import { suites } from './suites.ts'

const [name, ...rest] = process.argv.slice(2)
const isNamed = name !== undefined && !name.startsWith('-')
const run = suites[isNamed ? name : 'decide']
if (run) {
  if (isNamed) process.argv.splice(2, process.argv.length, ...rest)
  await run()
} else {
  const { message } = new OptionsError([
    `there is no benchmark suite "${name}": there are ${Object.keys(suites).join(', ')}`,
  ])
  process.stderr.write(`${message}\n`)
  process.exitCode = 2
}
