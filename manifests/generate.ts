import { readFileSync, writeFileSync } from 'node:fs'
import { crdFiles } from './crds.ts'

/**
 * `node manifests/generate.ts` writes the generated manifests. With `--check` it writes nothing, names each file that
 * is out of date and exits 1 if there is one.
 */

const folder = new URL('./crds/', import.meta.url)
const checkOnly = process.argv.includes('--check')

for (const [name, text] of crdFiles()) {
  if (current(name) === text) continue
  if (checkOnly) {
    process.stderr.write(`manifests/crds/${name} is out of date: run node manifests/generate.ts\n`)
    process.exitCode = 1
  } else {
    writeFileSync(new URL(name, folder), text)
    process.stdout.write(`wrote manifests/crds/${name}\n`)
  }
}

function current(name: string): string | undefined {
  try {
    return readFileSync(new URL(name, folder), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
