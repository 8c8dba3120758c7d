import { agentOptions } from '../agent/options.ts'
import { certsOptions } from '../certs/options.ts'
import { inactiveBeforeAdoption } from '../common/api/adoption.ts'
import { kinds } from '../common/api/crd.ts'
import { effectsOf } from '../common/api/effects.ts'
import { type OptionDeclaration, type OptionTable, variableName } from '../common/options.ts'
import { logOptions } from '../common/program.ts'
import { decideOptions } from '../controller/decide/options.ts'
import { ingestOptions } from '../controller/ingest/options.ts'
import { controllerOptions } from '../controller/options.ts'
import { pageOptions } from '../controller/page/options.ts'
import { vpsieOptions } from '../controller/vpsie/options.ts'
import { webhookOptions } from '../webhook/options.ts'
import { code, type Field, fieldsBelow, mayBe, type Shape, table } from './fields.ts'

const head = `# Configuration

Every field of the three kinds and every option of the programs. Made from the schemas and the option tables by
\`node manifests/generate.ts\`; not to be edited by hand. What admission holds a field to: [admission](admission.md).
`

const kindsHead = `## Kinds

A field that is left out is set by the AutoscalerConfig's \`nodeGroupDefaults\`, where it has it, else to the default told
here. \`managed\` and \`vm\` are the two ways machines are made (\`spec.provisioner\`): *full* effect, *none* (admission warns),
or *refused*. *Old* marks fields that the Go autoscaler accepted and never read: they stay without effect on NodeGroups
from its time until the annotation \`autoscaler.vpsie.com/adopt-settings=true\` is on them ([upgrade](upgrade.md)).
`

/** The text of docs/configuration.md. */
export function configurationPage(): string {
  return [
    head,
    kindsHead,
    ...kinds.map(({ resource, schema }) => kindChapter(resource.kind, schema as Shape)),
    programsHead,
    ...programs.map(([title, options, words]) => programChapter(title, options, words)),
  ].join('\n')
}

function kindChapter(kind: string, schema: Shape): string {
  const fields = fieldsBelow(schema.properties?.spec, 'spec')
  const words = schema.description ?? ''
  const isGroup = kind === 'NodeGroup'
  const heads = [
    'field',
    'meaning',
    'what it may be',
    'default',
    ...(isGroup ? ['managed', 'vm', 'old'] : []),
  ]
  return `### ${kind}\n\n${words}\n\n${table(
    heads,
    fields.map((field) => [...fieldRow(field), ...(isGroup ? effectCells(field.path) : [])]),
  )}`
}

function fieldRow(field: Field): string[] {
  const { path, schema } = field
  const fallback = schema.default ?? schema.builtInDefault
  const isPlain = fallback !== undefined && typeof fallback !== 'object'
  return [code(path), schema.description ?? '', mayBe(field), isPlain ? code(String(fallback)) : '']
}

function effectCells(path: string): string[] {
  const name = path.replace(/^spec\./, '').replaceAll('[]', '')
  const { managed = 'full', vm = 'full' } = effectsOf(name) ?? {}
  const isOld = inactiveBeforeAdoption.some((field) => name === field || name.startsWith(`${field}.`))
  return [managed, vm, isOld ? 'old' : '']
}

const programsHead = `## Programs

Each option is a flag (\`--scan-interval=5s\`) and an environment variable (\`SCAN_INTERVAL=5s\`); the flag wins. Durations are
written as in Go: \`300ms\`, \`15s\`, \`10m\`, \`24h\`. A wrong value ends the program with code 2 and names the option, the value
and what would be right.
`

function ownOf(options: OptionTable, ...parts: readonly OptionTable[]): OptionTable {
  const elsewhere = new Set(parts.flatMap(Object.keys))
  return Object.fromEntries(Object.entries(options).filter(([name]) => !elsewhere.has(name)))
}

const programs: readonly [title: string, options: OptionTable, words: string][] = [
  ['All programs', logOptions, ''],
  [
    'Controller: process, loops and machines',
    ownOf(controllerOptions, decideOptions, ingestOptions, pageOptions, vpsieOptions),
    '`node controller/main.ts`; `doctor.ts` takes the same, and `-o json`.',
  ],
  [
    'Controller: decisions',
    decideOptions,
    'Also of `node controller/simulate.ts`, as `--set option=value`; limits of the AutoscalerConfig go before them.',
  ],
  ['Controller: reports of agents', ingestOptions, ''],
  ['Controller: status page', pageOptions, ''],
  ['Controller: VPSie', vpsieOptions, ''],
  ['Webhook', webhookOptions, '`node webhook/main.ts`.'],
  ['Agent', agentOptions, '`node agent/main.ts`.'],
  ['Certificates', certsOptions, '`node certs/main.ts init|rotate|status`.'],
]

function programChapter(title: string, options: OptionTable, words: string): string {
  const rows = Object.entries(options).map(([name, option]) => optionRow(name, option))
  return `### ${title}\n\n${words === '' ? '' : `${words}\n\n`}${table(['option', 'variable', 'default', 'meaning'], rows)}`
}

function optionRow(
  name: string,
  { type, default: fallback, description, choices, min, max }: OptionDeclaration,
): string[] {
  const unit = type === 'duration' ? ' ms' : ''
  const bounds = [min !== undefined && `at least ${min}${unit}`, max !== undefined && `at most ${max}${unit}`]
  const note = choices ? choices.map(code).join(' ') : bounds.filter(Boolean).join(', ')
  const value = fallback === null ? 'required' : fallback === '' ? '' : code(fallback)
  return [
    code(`--${name}`),
    code(variableName(name)),
    value,
    `${description}${note === '' ? '' : ` (${note})`}`,
  ]
}
