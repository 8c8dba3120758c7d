import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { admissionDocument } from './admission.ts'
import { crdFiles } from './crds.ts'

/**
 * `node manifests/generate.ts [--check] [FOLDER]` writes the generated manifests into FOLDER, or into manifests/crds
 * with docs/admission.md beside them if none is given. With `--check` it writes nothing, names each file that is out
 * of date and exits 1 if there is one.
 */

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true })
const [folder] = positionals
const files = new Map(
  [...crdFiles()].map(([name, text]) => [join(folder ?? join(import.meta.dirname, 'crds'), name), text]),
)
if (!folder) files.set(join(import.meta.dirname, '../docs/admission.md'), admissionDocument())

for (const [path, text] of files) {
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
