import { isDeepStrictEqual } from 'node:util'
import type { Violation } from '../common/api/violation.ts'

/**
 * Leaves out the mistakes that an update does not touch: those that the old object has as well, in the same words
 * and with the same value there; an item of a list may have moved. So an object that was once admitted can always be
 * edited elsewhere, and finalized. A mistake whose sentence changes, because a limit it names does, is a new one.
 */
export function ratchet(
  violations: readonly Violation[],
  object: unknown,
  old: { object: unknown; check: () => readonly Violation[] } | undefined,
): readonly Violation[] {
  // Most updates make no mistake, and then nobody needs to know the old ones.
  if (!old || violations.length === 0) return violations
  const before = old.check().map((violation) => ({
    ...violation,
    place: placeOf(old.object, violation.field),
    value: valueAt(old.object, violation.field),
  }))
  return violations.filter(({ field, code, message }) => {
    const place = placeOf(object, field)
    const value = valueAt(object, field)
    const known = before.findIndex(
      (each) =>
        each.place === place &&
        each.code === code &&
        each.message === message &&
        isDeepStrictEqual(each.value, value),
    )
    // One old mistake excuses one new one: a second of the same kind has been added.
    if (known >= 0) before.splice(known, 1)
    return known < 0
  })
}

const step = /([^.[\]]+)|\[([^\]]*)\]/g

function tokensOf(field: string): string[] {
  return [...field.matchAll(step)].map(([, name, key]) => name ?? key ?? '')
}

/** The path without the positions in lists. */
function placeOf(object: unknown, field: string): string {
  let at = object
  return tokensOf(field)
    .map((token) => {
      const isItem = Array.isArray(at)
      at = childOf(at, token)
      return isItem ? '[]' : token
    })
    .join('\n')
}

/** The value at a path such as `spec.taints[0].key` or `spec.labels[app]`; undefined if there is none. */
export function valueAt(object: unknown, field: string): unknown {
  return tokensOf(field).reduce<unknown>(childOf, object)
}

function childOf(at: unknown, token: string): unknown {
  if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return undefined
  return (at as Record<string, unknown>)[token]
}
