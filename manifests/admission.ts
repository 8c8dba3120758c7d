import type { TSchema } from 'typebox'
import { reviewed, ruleTable, type Told } from '../webhook/rules.ts'

const head = `# Admission

Which rule lives where. Made from the rules themselves by \`node manifests/generate.ts\`; not to be edited by hand.

An object meets three judges, in this order:

1. The **schema** of its CustomResourceDefinition: types, bounds and forms of single fields.
2. **CEL** rules of the CustomResourceDefinition: what one object can be held to by itself.
3. The **webhook**: all of that again, in words that say what would be right, and what needs other objects, a calendar
   or the options of the webhook.

The first two are part of the API server and are there when the webhook is not. They are asked before it, so of an
object that breaks a rule of theirs the webhook does not hear. Each judge tells every mistake it finds at once.

Never in the way: an update is held only to what it changes (a mistake that was there before, with the same value,
passes); deletions, objects on their way out, the status and changes outside the spec are not reviewed; the
controller's own writes are exempt. While the webhook's watch caches are not filled, rules about other objects are
skipped with a warning. Reviews have no side effects, so a dry run is reviewed like any other call.

A bug in a rule is answered with status 500, which names the rule, is counted in \`webhook_panics_total\`, and denies
nothing else.
`

/** The text of docs/admission.md. */
export function admissionDocument(): string {
  return [
    head,
    ...ruleTable.flatMap(({ subject, rules, warnings }) => [
      `## ${subject}\n`,
      table(['rule', 'fields', 'what holds', 'schema', 'CEL', 'webhook'], rules.map(ruleRow)),
      'Warnings, which refuse nothing:\n',
      table(
        ['warning', 'when'],
        warnings.map(({ name, says }) => [code(name), says]),
      ),
    ]),
    ...Object.entries(reviewed).map(
      ([kind, schema]) =>
        `## Fields of ${kind}\n\nHeld by schema and webhook alike.\n\n${table(
          ['field', 'what it may be'],
          fieldRows((schema as Shape).properties?.spec, 'spec'),
        )}`,
    ),
    `## The status of VPSieNodes\n\nThe webhook never sees a status. By CEL the phase goes one way: what is Terminating or Deleting can
only become Terminating, Deleting or Failed.\n`,
  ].join('\n')
}

function ruleRow({ name, fields, says, schema, cel }: Told): string[] {
  return [code(name), fields.map(code).join(' '), says, schema ? 'yes' : '', cel ? 'yes' : '', 'yes']
}

type Shape = TSchema & {
  type?: string | string[]
  properties?: Record<string, Shape>
  required?: string[]
  items?: Shape
  additionalProperties?: Shape
  enum?: unknown[]
  anyOf?: Shape[]
  form?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  maxProperties?: number
}

function fieldRows(schema: Shape | undefined, at: string): string[][] {
  return Object.entries(schema?.properties ?? {}).flatMap(([name, field]) => {
    const path = `${at}.${name}`
    const must = schema?.required?.includes(name) ? ', required' : ''
    const inner = field.items?.properties ? fieldRows(field.items, `${path}[]`) : fieldRows(field, path)
    return [[code(path), `${describe(field)}${must}`], ...inner]
  })
}

function describe(field: Shape): string {
  if (field.enum) return field.enum.map((value) => code(String(value))).join(' ')
  if (field.form && field.type !== 'string') return field.form
  switch (field.type) {
    case 'integer':
    case 'number':
      return [field.type, range(field.minimum, field.maximum)].filter(Boolean).join(' ')
    case 'string':
      return `text${range(field.minLength, field.maxLength, ' of', ' characters')}${field.form ? `: ${field.form}` : ''}`
    case 'array':
      return `list${range(field.minItems, field.maxItems, ' of', ' items')}${field.items ? `, each ${describe(field.items)}` : ''}`
    case 'object':
      return field.additionalProperties
        ? `map${range(undefined, field.maxProperties, ' of', ' entries')}, each ${describe(field.additionalProperties)}`
        : 'object'
    default:
      return String(field.type ?? '')
  }
}

function range(low: number | undefined, high: number | undefined, before = '', after = ''): string {
  if (low === undefined && high === undefined) return ''
  if (high === undefined) return `${before && `${before} `}at least ${low}${after}`
  const bounds = low === undefined ? `at most ${high}` : `${low} to ${high}`
  return `${before && `${before} `}${bounds}${after}`
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return `${[line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')}\n`
}

const code = (text: string) => `\`${text}\``
