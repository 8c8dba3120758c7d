import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { KubeObject } from '../../../common/kube/objects.ts'
import { rulesBrokenAt } from '../../fixtures/cel.ts'
import { isRecord } from './merge.ts'
import { invalid, type StatusCause } from './status.ts'

type Json = Record<string, unknown>

/** What the API server does to an object of a kind that a CRD defines. */
export interface CustomSchema {
  /** Drops fields the schema does not know and sets the defaults of those that are absent. */
  complete<T extends KubeObject>(object: T): T
  /** Paths of the fields that the schema does not know. */
  unknownFields(object: KubeObject): string[]
  /** Throws 422 with every mistake of structure, and, if there is none, of the CEL rules. */
  check(object: KubeObject, old: KubeObject | undefined): void
}

interface Definition extends KubeObject {
  spec: {
    group: string
    names: { kind: string }
    versions: { name: string; schema?: { openAPIV3Schema?: Json } }[]
  }
}

export function customSchema(definition: KubeObject): CustomSchema {
  // Whoever reaches this has an object of kind CustomResourceDefinition.
  const { spec } = definition as Definition
  const schema = spec.versions[0]?.schema?.openAPIV3Schema ?? {}
  const validate = compile(schema)
  return {
    complete: (object) => complete(schema, object) as typeof object,
    unknownFields: (object) => unknownFields(schema, object, ''),
    check(object, old) {
      const causes = validate(object)
        ? ruleCauses(schema, object, old)
        : [...(validate.errors ?? []).map(structureCause), rulesNotChecked]
      if (causes.length > 0) throw invalid(spec.group, spec.names.kind, object.metadata.name, causes)
    },
  }
}

function compile(schema: Json): ValidateFunction {
  const ajv = new Ajv({ strict: false, allErrors: true })
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/)
  return ajv.compile(schema)
}

const kept = new Set(['apiVersion', 'kind', 'metadata'])

function complete(schema: Json, value: unknown, isRoot = true): unknown {
  const { properties, items, additionalProperties } = schema as Record<string, Json | undefined>
  if (Array.isArray(value)) return items ? value.map((item) => complete(items, item, false)) : value
  if (!isRecord(value)) return value
  if (additionalProperties) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, complete(additionalProperties, item, false)]),
    )
  }
  if (!properties) return value
  const filled: Json = {}
  for (const [name, item] of Object.entries(value)) {
    const field = properties[name] as Json | undefined
    if (isRoot && kept.has(name)) filled[name] = item
    // A null stands for an absent field where the schema has a default.
    else if (field && !(item === null && 'default' in field)) filled[name] = complete(field, item, false)
  }
  for (const [name, field] of Object.entries(properties as Record<string, Json>)) {
    if (filled[name] === undefined && 'default' in field) {
      filled[name] = complete(field, structuredClone(field.default), false)
    }
  }
  return filled
}

function unknownFields(schema: Json, value: unknown, path: string): string[] {
  const { properties, items, additionalProperties } = schema as Record<string, Json | undefined>
  if (Array.isArray(value))
    return items ? value.flatMap((item, index) => unknownFields(items, item, `${path}[${index}]`)) : []
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([name, item]) => {
    const at = path === '' ? name : `${path}.${name}`
    const field = (properties?.[name] as Json | undefined) ?? additionalProperties
    if (path === '' && kept.has(name)) return []
    if (field) return typeof field === 'object' ? unknownFields(field, item, at) : []
    return properties ? [at] : []
  })
}

// What the API server adds while the structure is wrong.
const rulesNotChecked: StatusCause = {
  reason: 'FieldValueInvalid',
  field: '<nil>',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
}

function structureCause({ instancePath, keyword, params, message }: ErrorObject): StatusCause {
  const at = fieldPath(instancePath)
  if (keyword === 'required') {
    const missing = String((params as { missingProperty: string }).missingProperty)
    return {
      reason: 'FieldValueRequired',
      message: 'Required value',
      field: at ? `${at}.${missing}` : missing,
    }
  }
  return { reason: 'FieldValueInvalid', message: `Invalid value: ${message ?? keyword}`, field: at }
}

function fieldPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) =>
      /^\d+$/.test(part) ? `[${part}]` : `.${part.replaceAll('~1', '/').replaceAll('~0', '~')}`,
    )
    .join('')
    .replace(/^\./, '')
}

function ruleCauses(schema: Json, object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  return rulesBrokenAt(schema, object, old).map(({ field, message }) => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${message}`,
    field: field || '<nil>',
  }))
}
