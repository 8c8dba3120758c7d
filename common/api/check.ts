import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { Settings } from 'typebox/system'
import { Errors } from 'typebox/value'
import {
  duplicate,
  invalid,
  required,
  tooLong,
  tooMany,
  unsupported,
  type Violation,
  wrongType,
} from './violation.ts'

export type { CauseType, Violation } from './violation.ts'

/** More mistakes than this in one object are not told one by one. */
const mostMistakes = 256

type Mistake = ReturnType<typeof Errors>[number]

/**
 * Every mistake of a value against the structure its schema describes: types, required fields, bounds, forms. What
 * it does not look at: CEL rules, which the API server runs, and unknown fields, which it drops. `path` is
 * where the value stands in its object, '' for a whole one. Never throws.
 */
export function checkStructure(schema: TSchema, value: unknown, path = ''): Violation[] {
  if (isSound(schema, value)) return []
  // The library keeps 8 mistakes unless told otherwise; its only switch is for the whole process.
  Settings.Set({ maxErrors: mostMistakes })
  const mistakes = Errors(schema, value)
  const badAlternatives = mistakes
    .filter(({ keyword }) => keyword === 'anyOf')
    .map((m) => `${m.schemaPath}/anyOf/`)
  const badTypes = new Set(mistakes.filter(({ keyword }) => keyword === 'type').map((m) => m.instancePath))
  return mistakes
    .filter((mistake) => !badAlternatives.some((prefix) => mistake.schemaPath.startsWith(prefix)))
    .filter((mistake) => mistake.keyword !== 'enum' || !badTypes.has(mistake.instancePath))
    .flatMap((mistake) => violations(schema, value, path, mistake))
}

const compiled = new WeakMap<TSchema, Validator>()

// Nearly every object is sound, and compiled code says so in a few microseconds; looking for mistakes takes hundreds.
function isSound(schema: TSchema, value: unknown): boolean {
  const validator = compiled.get(schema) ?? Compile(schema)
  compiled.set(schema, validator)
  return validator.Check(value)
}

/**
 * The value without fields that are null, at any depth, which the API server drops before it looks at an object. An
 * item of a list stays.
 */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, child]) => (child === null ? [] : [[name, withoutNulls(child)]])),
  )
}

interface Shape {
  properties?: Record<string, TSchema>
  items?: TSchema
  additionalProperties?: TSchema
  confidential?: boolean
  form?: string
}

function violations(schema: TSchema, root: unknown, path: string, mistake: Mistake): Violation[] {
  const at = locate(schema, root, path, mistake)
  const value = at.schema.confidential ? undefined : at.value
  switch (mistake.keyword) {
    case 'required':
      return mistake.params.requiredProperties.map((name) => required(under(at.field, name)))
    case 'type':
      return [wrongType(at.field, value, [mistake.params.type].flat().join(' or '))]
    case 'anyOf':
      return [wrongType(at.field, value, 'integer or string')]
    case 'enum':
      return [unsupported(at.field, value, mistake.params.allowedValues)]
    case 'const':
      return [unsupported(at.field, value, [mistake.params.allowedValue])]
    case 'maxLength':
      return [tooLong(at.field, mistake.params.limit)]
    case 'maxItems':
    case 'maxProperties':
      return [tooMany(at.field, sizeOf(at.value), mistake.params.limit)]
    case 'uniqueItems':
      return mistake.params.duplicateItems.map((i) =>
        duplicate(`${at.field}[${i}]`, (at.value as unknown[])[i]),
      )
    case 'additionalProperties':
      return [] // Told of each value itself already.
    case 'pattern':
      return [
        invalid(at.field, value, `must be ${at.schema.form ?? `of the form ${mistake.params.pattern}`}`),
      ]
    default:
      return [invalid(at.field, value, detail(mistake))]
  }
}

function detail(mistake: Mistake): string {
  switch (mistake.keyword) {
    case 'minimum':
      return `must be greater than or equal to ${mistake.params.limit}`
    case 'maximum':
      return `must be less than or equal to ${mistake.params.limit}`
    case 'minLength':
    case 'minItems':
      return mistake.params.limit === 1 ? 'must not be empty' : mistake.message
    case 'format':
      return `must be a ${mistake.params.format}`
    default:
      return mistake.message
  }
}

// Follows both paths of the library at once: the schema's tells a field from a map's key, the value's names them.
function locate(schema: TSchema, root: unknown, path: string, mistake: Mistake) {
  const at = { field: path, value: root, schema: schema as Shape & Record<string, unknown> }
  const tokens = pointer(mistake.instancePath)
  const steps = pointer(mistake.schemaPath.slice(1))
  for (let i = 0; i < steps.length; i++) {
    const keyword = steps[i]
    const token = tokens[0] ?? ''
    if (keyword === 'properties') at.field = under(at.field, token)
    else if (keyword === 'items' || keyword === 'additionalProperties') at.field = `${at.field}[${token}]`
    at.schema = at.schema[keyword ?? ''] as typeof at.schema
    if (keyword === 'properties' || keyword === 'anyOf')
      at.schema = at.schema[steps[++i] ?? ''] as typeof at.schema
    if (keyword === 'anyOf') continue
    tokens.shift()
    at.value = (at.value as Record<string, unknown>)[token]
  }
  return at
}

function pointer(text: string): string[] {
  return text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function under(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function sizeOf(value: unknown): number {
  return Object.keys(value as object).length
}
