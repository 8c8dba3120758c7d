import Type, { type Static, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { checkStructure } from '../../common/api/check.ts'
import { TransientError } from '../../common/errors.ts'

/**
 * The scalars of VPSie's replies. The same thing is a number at one endpoint and a text at the next, and an absent
 * value may be null.
 */
export const numeric = Type.Union([Type.Number(), Type.String({ pattern: '^-?\\d{1,15}(\\.\\d{1,15})?$' })])
export const wholeNumber = Type.Union([Type.Integer(), Type.String({ pattern: '^\\d{1,15}$' })])
export const flag = Type.Union([Type.Boolean(), Type.Integer(), Type.String({ maxLength: 5 })])
export const word = Type.String({ maxLength: 253 })

/** A field that may be absent or null. */
export const maybe = <S extends TSchema>(schema: S) => Type.Optional(Type.Union([schema, Type.Null()]))

/** More rows than this in one list are a mistake; a cluster has at most 10,000 nodes here. */
const maxRows = 20_000

export const listOf = <S extends TSchema>(row: S) => Type.Array(row, { maxItems: maxRows })

/** A reply that is not what the dialect promises. Transient: it says nothing about what was asked for. */
export function badReply(path: string, message: string): TransientError {
  return new TransientError(`reply of VPSie: ${path}: ${message}`, { code: 'BadReply' })
}

// A list of 10,000 machines is checked in tens of milliseconds by compiled code, in hundreds without.
const compiled = new WeakMap<TSchema, { Check(value: unknown): boolean }>()

function isValid(schema: TSchema, value: unknown): boolean {
  const known = compiled.get(schema) ?? Compile(schema)
  compiled.set(schema, known)
  return known.Check(value)
}

/** `value` if it has the structure of `schema`; else throws `BadReply` that names the first wrong field below `path`. */
export function checked<S extends TSchema>(schema: S, value: unknown, path: string): Static<S> {
  if (isValid(schema, value)) return value as Static<S>
  const [first] = checkStructure(schema, value, path)
  throw badReply(first?.field ?? path, first?.message ?? 'is not what was expected')
}

/** The number of a scalar of this file; undefined for one that is absent. */
export function toNumber(value: number | string | null | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value)
}

/** A text that says something; undefined for one that is absent or empty. */
export function toText(value: string | null | undefined): string | undefined {
  const text = value?.trim()
  return text ? text : undefined
}

/** The truth of a flag; an absent one is false. */
export function toFlag(value: boolean | number | string | null | undefined): boolean {
  return (
    value === true ||
    value === 1 ||
    (typeof value === 'string' && ['1', 'true'].includes(value.toLowerCase()))
  )
}

/**
 * Milliseconds since the epoch of a time; undefined for one that cannot be read, since no list may fail for a date.
 * Texts are RFC 3339 or `YYYY-MM-DD hh:mm:ss` in UTC.
 */
export function toTime(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const ms = Date.parse(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(value) ? `${value.replace(' ', 'T')}Z` : value,
  )
  return Number.isNaN(ms) ? undefined : ms
}

/** `object` without its undefined fields, as exact optional properties want it. */
export function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
