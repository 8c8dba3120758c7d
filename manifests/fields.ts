import type { TSchema } from 'typebox'

/** The parts of a schema that pages tell of. */
export type Shape = TSchema & {
  type?: string | string[]
  properties?: Record<string, Shape>
  required?: string[]
  items?: Shape
  additionalProperties?: Shape
  enum?: unknown[]
  anyOf?: Shape[]
  form?: string
  description?: string
  default?: unknown
  builtInDefault?: unknown
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  maxProperties?: number
}

export interface Field {
  /** With `[]` after a list: `spec.taints[].key`. */
  path: string
  schema: Shape
  isRequired: boolean
}

/** Every field below a schema, those of lists' items included, in the order they are declared. */
export function fieldsBelow(schema: Shape | undefined, at: string): Field[] {
  return Object.entries(schema?.properties ?? {}).flatMap(([name, field]) => {
    const path = `${at}.${name}`
    const isRequired = schema?.required?.includes(name) ?? false
    const inner = field.items?.properties ? fieldsBelow(field.items, `${path}[]`) : fieldsBelow(field, path)
    return [{ path, schema: field, isRequired }, ...inner]
  })
}

/** What a field may be, and whether it must be there, in words. */
export function mayBe({ schema, isRequired }: Field): string {
  return `${describe(schema)}${isRequired ? ', required' : ''}`
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

/** A table in Markdown. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return `${[line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')}\n`
}

export const code = (text: string) => `\`${text}\``
