import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crdFiles } from './crds.ts'
import { reasonsPage } from './reasons.ts'

/**
 * `node manifests/generate.ts [--check] [FOLDER]` writes the generated manifests into FOLDER, manifests/crds if none
 * is given, and then the generated docs too. With `--check` it writes nothing, names each file that is out of date and
 * exits 1 if there is one.
 */

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true })
const [folder] = positionals
const crds = [...crdFiles()].map(([name, text]): [string, string] => [
  join(folder ?? join(import.meta.dirname, 'crds'), name),
  text,
])
const docs: [string, string][] =
  folder === undefined ? [[join(import.meta.dirname, '../docs/reasons.md'), await reasonsPage()]] : []

for (const [path, text] of [...crds, ...docs]) {
  if (current(path) === text) continue
  if (values.check) {
    process.stderr.write(`${path} is out of date: run node manifests/generate.ts\n`)
    process.exitCode = 1
  } else {
    writeFileSync(path, text)
    process.stdout.write(`wrote ${path}\n`)
  }
}

function current(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
