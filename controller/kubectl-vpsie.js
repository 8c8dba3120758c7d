#!/usr/bin/env node
// `kubectl vpsie COMMAND ...`, once a link to this file is on the PATH. Plain JavaScript, so that an old Node.js can say so.
const commands = ['explain', 'doctor', 'simulate']
const [, , command = '', ...rest] = process.argv
const usage = `kubectl vpsie ${commands.join('|')} ...; each has --help\n`

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`kubectl-vpsie needs Node.js 24 or newer: this is ${process.version}\n`)
  process.exitCode = 2
} else if (command === '--help' || command === '-h') {
  process.stdout.write(usage)
} else if (commands.includes(command)) {
  process.argv.splice(2, process.argv.length, ...rest)
  await import(`./${command}.ts`)
} else {
  process.stderr.write(`unknown command "${command}": ${usage}`)
  process.exitCode = 2
}
