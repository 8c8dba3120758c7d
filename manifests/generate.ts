import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { admissionDocument } from './admission.ts'
import { configurationPage } from './configuration.ts'
import { crdFiles } from './crds.ts'
import { faqPage } from './faq.ts'
import { helmFiles } from './helm.ts'
import { dashboardFile } from './monitoring/dashboard.ts'
import { metricsPage } from './monitoring/metrics-page.ts'
import { alertsPage, rulesFile, rulesTestFile } from './monitoring/rules.ts'
import { reasonsPage } from './reasons.ts'

/**
 * `node manifests/generate.ts [--check] [FOLDER]` writes the generated manifests into FOLDER, or into manifests/crds
 * with the generated docs and the files for monitoring beside them if none is given. With `--check` it writes nothing,
 * names each file that is out of date and exits 1 if there is one.
 */

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true })
const [folder] = positionals
const root = join(import.meta.dirname, '..')
const files = new Map(
  [...crdFiles()].map(([name, text]) => [join(folder ?? join(root, 'manifests/crds'), name), text]),
)
if (folder === undefined) {
  for (const [name, text] of Object.entries({
    'docs/admission.md': admissionDocument(),
    'docs/configuration.md': configurationPage(),
    'docs/reasons.md': await reasonsPage(),
    'docs/faq.md': await faqPage(),
    'docs/metrics.md': metricsPage(),
    'docs/alerts.md': alertsPage(),
    'manifests/monitoring/rules.yaml': rulesFile(),
    'manifests/monitoring/rules.test.yaml': rulesTestFile(),
    'manifests/monitoring/dashboard.json': dashboardFile(),
  }))
    files.set(join(root, name), text)
  for (const [name, text] of helmFiles()) files.set(join(root, 'manifests/helm/vpsie-autoscaler', name), text)
}

for (const [path, text] of files) {
  if (current(path) === text) continue
  if (values.check) {
    process.stderr.write(`${path} is out of date: run node manifests/generate.ts\n`)
    process.exitCode = 1
  } else {
    mkdirSync(dirname(path), { recursive: true })
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
