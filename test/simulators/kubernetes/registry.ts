import { apiVersionOf, builtInKinds, type Kind } from './kinds.ts'
import { unknownPath } from './status.ts'

/** The kinds served now: the built-in ones and those of applied CRDs. */
export interface Registry {
  all(): readonly Kind[]
  add(kind: Kind): void
  remove(kind: Pick<Kind, 'group' | 'plural'>): void
  /** By path. */
  find(group: string, version: string, plural: string): Kind | undefined
  /** By what an object says of itself. */
  ofObject(apiVersion: string, kind: string): Kind | undefined
  /** The kind whose objects are kept under `plural`; throws 404 if there is none. */
  ofPlural(plural: string): Kind
}

/** Objects are kept by plural alone; only events are in two groups, and those are the same objects. */
export function createRegistry(): Registry {
  const kinds = [...builtInKinds]
  return {
    all: () => kinds,
    add(kind) {
      const known = kinds.findIndex(({ plural }) => plural === kind.plural)
      const before = kinds[known]
      if (before && before.group !== kind.group)
        throw new Error(`${kind.plural} is already in ${before.group}`)
      if (before) kinds[known] = kind
      else kinds.push(kind)
    },
    remove({ group, plural }) {
      const known = kinds.findIndex((kind) => kind.plural === plural && kind.group === group)
      if (known >= 0) kinds.splice(known, 1)
    },
    find: (group, version, plural) =>
      kinds.find((kind) => kind.plural === plural && kind.group === group && kind.version === version),
    ofObject: (apiVersion, name) =>
      kinds.find((kind) => kind.kind === name && apiVersionOf(kind) === apiVersion),
    ofPlural(plural) {
      const found = kinds.find((kind) => kind.plural === plural)
      if (!found) throw unknownPath()
      return found
    },
  }
}
