import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Clock, systemClock, toTimestamp } from '../../../common/clock.ts'
import type { KubeObject, ObjectMeta } from '../../../common/kube/objects.ts'
import { keyOf, type Resource } from '../../../common/kube/resources.ts'
import { type DeleteOptions, type Deletion, graceOf, marked } from './deletion.ts'
import { type Change, type ChangeListener, createHistory } from './history.ts'
import { apiVersionOf, type Kind } from './kinds.ts'
import { deepFreeze, mergePatch } from './merge.ts'
import { createRegistry, type Registry } from './registry.ts'
import { parseFieldSelector, parseLabelSelector } from './selectors.ts'
import { alreadyExists, badRequest, conflict, invalid, modified, notFound } from './status.ts'

/** Which kind: its plural, or one of common/kube/resources.ts, which also gives the type of its objects. */
export type Of<T extends KubeObject> = Resource<T> | string

export interface Name {
  name: string
  namespace?: string | undefined
}

export interface Query {
  namespace?: string | undefined
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
}

/**
 * The objects of a simulated cluster, through which API server and simulated controllers work. Objects that come out
 * are frozen. Refusals are `StatusError`s, as a client would get them. Whoever writes here is trusted: schema, rights,
 * admission and the separation of status are the server's.
 */
export interface Store {
  readonly kinds: Registry
  readonly clock: Clock
  /** Revision of the last write, as in a list's metadata.resourceVersion. */
  readonly revision: number
  /** Sorted by namespace and name. */
  list<T extends KubeObject>(of: Of<T>, query?: Query): T[]
  /** Throws 404 NotFound. */
  get<T extends KubeObject>(of: Of<T>, name: Name): T
  find<T extends KubeObject>(of: Of<T>, name: Name): T | undefined
  /** Gives uid, generation, creationTimestamp and, with generateName, a name. Throws 409 AlreadyExists. */
  create<T extends KubeObject>(of: Of<T>, object: T): T
  /**
   * Replaces an object. Throws 409 Conflict if it names a uid or resourceVersion that is not the present one. Equal
   * to what is there, it writes nothing. Without its last finalizer an object on its way out is gone.
   */
  update<T extends KubeObject>(of: Of<T>, object: T): T
  /** Merge patch (RFC 7386), else as `update`. */
  patch<T extends KubeObject>(of: Of<T>, name: Name, patch: unknown): T
  /** Finalizers and a pod's grace period keep the object, marked, until they are over. */
  delete<T extends KubeObject>(of: Of<T>, name: Name, options?: DeleteOptions): Deletion<T>
  /** Writes of one kind after a revision, then all new ones; returns how to stop. Throws 410 after compaction. */
  watch<T extends KubeObject>(
    of: Of<T>,
    fromRevision: number,
    listener: (change: Change<T>) => void,
  ): () => void
  /** Every write of any kind from now on. A listener may write; it is told of that later. */
  onChange(listener: ChangeListener): () => void
  /** Forgets past writes: watches from before this revision get 410. */
  compact(): void
  /** Called after each compaction. */
  onCompact(listener: () => void): void
}

export interface StoreOptions {
  clock?: Clock
  /** Makes the uid of a new object. */
  uid?: () => string
}

export function createStore({ clock = systemClock, uid = randomUUID }: StoreOptions = {}): Store {
  const kinds = createRegistry()
  const history = createHistory()
  const tables = new Map<string, Map<string, KubeObject>>()
  const compactListeners: (() => void)[] = []

  function tableOf(plural: string): Map<string, KubeObject> {
    const table = tables.get(plural) ?? new Map<string, KubeObject>()
    tables.set(plural, table)
    return table
  }

  function locate(of: Of<KubeObject>, name: Name): { kind: Kind; key: string } {
    const kind = kinds.ofPlural(pluralOf(of))
    if (kind.namespaced && !name.namespace)
      throw badRequest(`${kind.plural} "${name.name}": a namespace is required`)
    return { kind, key: kind.namespaced ? `${name.namespace}/${name.name}` : name.name }
  }

  function write(kind: Kind, type: Change['type'], object: KubeObject, previous?: KubeObject): KubeObject {
    const revision = history.next()
    const metadata = { ...object.metadata, resourceVersion: String(revision) }
    const written = deepFreeze({ ...object, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata })
    const table = tableOf(kind.plural)
    if (type === 'DELETED') table.delete(keyOf(written))
    else table.set(keyOf(written), written)
    const { plural } = kind
    history.record({ type, plural, revision, object: written, ...(previous ? { previous } : {}) })
    return written
  }

  function find(of: Of<KubeObject>, name: Name): KubeObject | undefined {
    const { kind, key } = locate(of, name)
    return tableOf(kind.plural).get(key)
  }

  function get(of: Of<KubeObject>, name: Name): KubeObject {
    const found = find(of, name)
    if (!found) throw notFound(kinds.ofPlural(pluralOf(of)), name.name)
    return found
  }

  function list(of: Of<KubeObject>, { namespace, labelSelector, fieldSelector }: Query = {}): KubeObject[] {
    const labelsMatch = parseLabelSelector(labelSelector ?? '')
    const fieldsMatch = parseFieldSelector(fieldSelector ?? '', pluralOf(of))
    return [...tableOf(kinds.ofPlural(pluralOf(of)).plural).entries()]
      .filter(([, object]) => !namespace || object.metadata.namespace === namespace)
      .filter(([, object]) => labelsMatch(object.metadata.labels ?? {}) && fieldsMatch(object))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object)
  }

  function create(of: Of<KubeObject>, object: KubeObject): KubeObject {
    const copy = structuredClone(object)
    const { deletionTimestamp: _, deletionGracePeriodSeconds: __, ...kept } = copy.metadata
    const metadata: ObjectMeta = {
      ...withName(kept),
      uid: uid(),
      generation: 1,
      creationTimestamp: toTimestamp(clock.now()),
    }
    const { kind, key } = locate(of, metadata)
    if (!kind.namespaced) delete metadata.namespace
    if (tableOf(kind.plural).has(key)) throw alreadyExists(kind, metadata.name)
    return write(kind, 'ADDED', { ...copy, metadata })
  }

  function update(of: Of<KubeObject>, object: KubeObject): KubeObject {
    const { kind } = locate(of, object.metadata)
    const before = get(of, object.metadata)
    const copy = structuredClone(object)
    checkPreconditions(kind, before, copy.metadata)
    const after = { ...copy, metadata: heldMetadata(before.metadata, copy.metadata) }
    const { apiVersion, kind: kindName } = before
    if (isDeepStrictEqual({ ...after, apiVersion, kind: kindName }, before)) return before
    if (before.metadata.deletionTimestamp) checkFinalizers(kind, before.metadata, after.metadata)
    if (!isDeepStrictEqual(intent(before), intent(after))) {
      after.metadata.generation = (before.metadata.generation ?? 0) + 1
    }
    const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = after.metadata
    const over = deletionTimestamp && !deletionGracePeriodSeconds && !finalizers?.length
    return write(kind, over ? 'DELETED' : 'MODIFIED', after, before)
  }

  function remove(of: Of<KubeObject>, name: Name, options: DeleteOptions = {}): Deletion<KubeObject> {
    const { kind } = locate(of, name)
    const before = get(of, name)
    checkPreconditions(kind, before, options.preconditions ?? {})
    const grace = graceOf(kind, before, options)
    const after = marked(before, grace, options, clock.now())
    if (grace === 0 && !after.metadata.finalizers?.length) {
      return { object: write(kind, 'DELETED', after, before), gone: true }
    }
    const unchanged = isDeepStrictEqual(after, before)
    return { object: unchanged ? before : write(kind, 'MODIFIED', after, before), gone: false }
  }

  // The types of objects are known to callers only: a table holds what was written under its plural.
  return {
    kinds,
    clock,
    get revision() {
      return history.revision
    },
    list,
    get,
    find,
    create,
    update,
    patch: (of: Of<KubeObject>, name: Name, patch: unknown) =>
      update(of, mergePatch(get(of, name), patch) as KubeObject),
    delete: remove,
    watch: (of: Of<KubeObject>, fromRevision: number, listener: ChangeListener) => {
      const { plural } = kinds.ofPlural(pluralOf(of))
      return history.watch(fromRevision, (change) => {
        if (change.plural === plural) listener(change)
      })
    },
    onChange: (listener) => history.watch(history.revision, listener),
    compact() {
      history.compact()
      for (const listener of compactListeners) listener()
    },
    onCompact: (listener) => compactListeners.push(listener),
  } as Store
}

const pluralOf = (of: Of<KubeObject>): string => (typeof of === 'string' ? of : of.plural)

/** With the name that generateName stands for. Throws 400 where there is neither. */
export function withName(metadata: ObjectMeta): ObjectMeta {
  const { name, generateName } = metadata
  if (!name && !generateName) throw badRequest('name or generateName is required')
  return { ...metadata, name: name || generateName + randomUUID().slice(0, 5) }
}

function checkPreconditions(
  kind: Kind,
  { metadata }: KubeObject,
  wanted: { uid?: string | undefined; resourceVersion?: string | undefined },
): void {
  if (wanted.uid && wanted.uid !== metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${metadata.uid}`
    throw conflict(kind, metadata.name, why)
  }
  if (wanted.resourceVersion && wanted.resourceVersion !== metadata.resourceVersion) {
    throw conflict(kind, metadata.name, modified)
  }
}

/** What is on its way out takes no further finalizers (k8s.io/apimachinery pkg/api/validation/objectmeta.go). */
function checkFinalizers({ group, kind }: Kind, before: ObjectMeta, after: ObjectMeta): void {
  const added = (after.finalizers ?? []).filter((each) => !before.finalizers?.includes(each))
  if (added.length === 0) return
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`
  throw invalid(group, kind, before.name, [
    { reason: 'FieldValueForbidden', field: 'metadata.finalizers', message },
  ])
}

/** Metadata after an update: what only the API server writes stays as it was. */
function heldMetadata(before: ObjectMeta, wanted: ObjectMeta): ObjectMeta {
  const held = ['uid', 'resourceVersion', 'generation', 'creationTimestamp'] as const
  const removal = ['deletionTimestamp', 'deletionGracePeriodSeconds'] as const
  const { deletionTimestamp: _, deletionGracePeriodSeconds: __, ...free } = wanted
  return { ...free, ...pick(before, held), ...pick(before, removal) }
}

function pick(from: ObjectMeta, keys: readonly (keyof ObjectMeta)[]): Partial<ObjectMeta> {
  return Object.fromEntries(keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]])))
}

/** What a person asks for: everything but metadata and status. */
function intent({ metadata: _, status: __, ...rest }: KubeObject & { status?: unknown }): unknown {
  const { apiVersion: ___, kind: ____, ...asked } = rest
  return asked
}
