import type { TSchema } from 'typebox'
import { checkStructure, withoutNulls } from '../../common/api/check.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { required, type Violation } from '../../common/api/violation.ts'

/** The settings of nodes: a NodeGroup's own, or those that AutoscalerConfig presets. */
export interface Settings {
  /** Fields of the wrong type are left out. */
  settings: Partial<NodeGroup['spec']>
  /** Where they stand: `spec` or `spec.nodeGroupDefaults`. */
  at: string
}

/** What stands in a part of an object, as far as rules can read it, and what the schema finds wrong with it. */
export interface Reading {
  value: Record<string, unknown>
  structure: readonly Violation[]
}

/**
 * Reads the part of an object at `at`. Left out of `value` are the fields that hold something of a wrong type: a rule
 * about one would only repeat in other words what the schema has said, or meet what it cannot read.
 */
export function read(schema: TSchema, part: unknown, at: string): Reading {
  if (part === undefined || part === null) return { value: {}, structure: [required(at)] }
  let value: unknown = part
  let structure = checkStructure(schema, value, at)
  if (structure.length > 0) {
    value = withoutNulls(part)
    structure = checkStructure(schema, value, at)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { value: {}, structure }
  return { value: withoutFields(value as Reading['value'], fieldsOfWrongType(structure, at)), structure }
}

function fieldsOfWrongType(structure: readonly Violation[], at: string): ReadonlySet<string> {
  const names = structure
    .filter(({ field, code }) => code === 'FieldValueTypeInvalid' && field.startsWith(`${at}.`))
    .map(({ field }) => /^[^.[]+/.exec(field.slice(at.length + 1))?.[0] ?? '')
  return new Set(names)
}

function withoutFields(value: Reading['value'], names: ReadonlySet<string>): Reading['value'] {
  if (names.size === 0) return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name)))
}

/**
 * What the schema and what our rules found, with one sentence for a field of which both speak: the rule's, which
 * knows more, else the schema's first. Of a wrong type only the schema speaks.
 */
export function join(structure: readonly Violation[], found: readonly Violation[]): readonly Violation[] {
  if (structure.length === 0) return found
  const types = structure.filter(({ code }) => code === 'FieldValueTypeInvalid')
  const isUnread = (field: string) =>
    types.some(
      (type) =>
        type.field === field || type.field.startsWith(`${field}.`) || type.field.startsWith(`${field}[`),
    )
  const known = found.filter(({ field }) => !isUnread(field))
  const told = new Set(known.map(({ field }) => field))
  const rest = structure.filter(({ field }) => !told.has(field) && told.add(field))
  return [...rest, ...known]
}
