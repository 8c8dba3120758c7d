import { isDeepStrictEqual } from 'node:util'
import type { Violation } from '../common/api/violation.ts'

/**
 * Leaves out the mistakes that an update does not touch: those that the old object has as well, at the same field
 * with the same value there. So an object that was once admitted can always be edited elsewhere, and finalized.
 */
export function ratchet(
  violations: readonly Violation[],
  object: unknown,
  old: { object: unknown; check: () => readonly Violation[] } | undefined,
): Violation[] {
  // Most updates make no mistake, and then nobody needs to know the old ones.
  if (!old || violations.length === 0) return [...violations]
  const before = old.check()
  return violations.filter(({ field, code }) => {
    const isOld = before.some((each) => each.field === field && each.code === code)
    return !isOld || !isDeepStrictEqual(valueAt(object, field), valueAt(old.object, field))
  })
}

/** The value at a path such as `spec.taints[0].key` or `spec.labels[app]`; undefined if there is none. */
export function valueAt(object: unknown, field: string): unknown {
  const tokens = [...field.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)].map(([, name, key]) => name ?? key ?? '')
  return tokens.reduce<unknown>(
    (at, token) =>
      typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[token] : undefined,
    object,
  )
}
