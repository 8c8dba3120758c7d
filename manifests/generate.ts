import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crdFiles } from './crds.ts'
import { dashboardFile } from './monitoring/dashboard.ts'
import { metricsPage } from './monitoring/metrics-page.ts'
import { alertsPage, rulesFile, rulesTestFile } from './monitoring/rules.ts'
import { reasonsPage } from './reasons.ts'

/**
 * `node manifests/generate.ts [--check] [FOLDER]` writes the generated manifests into FOLDER, manifests/crds if none
 * is given, and then the generated docs and the files for
 * monitoring too. With `--check` it writes nothing, names each file that is out of date and
 * exits 1 if there is one.
 */

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true })
const [folder] = positionals
const crds = [...crdFiles()].map(([name, text]): [string, string] => [
  join(folder ?? join(import.meta.dirname, 'crds'), name),
  text,
])
const others: Readonly<Record<string, string>> =
  folder === undefined
    ? {
        'docs/reasons.md': await reasonsPage(),
        'docs/metrics.md': metricsPage(),
        'docs/alerts.md': alertsPage(),
        'manifests/monitoring/rules.yaml': rulesFile(),
        'manifests/monitoring/rules.test.yaml': rulesTestFile(),
        'manifests/monitoring/dashboard.json': dashboardFile(),
      }
    : {}

for (const [path, text] of [
  ...crds,
  ...Object.entries(others).map(([name, text]) => [join(import.meta.dirname, '..', name), text] as const),
]) {
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
