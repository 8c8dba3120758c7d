import { abortable } from '../abortable.ts'
import type { Clock } from '../clock.ts'
import { errorText, hasCode, TerminalError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { fullJitter } from '../retry.ts'
import type { KubeClient, ListQuery, WatchEvent } from './client.ts'
import type { KubeObject } from './objects.ts'
import { keyOf, type Resource } from './resources.ts'

/** The objects of a kind as the API server last told them. They are shared: nobody may change one. */
export interface Cache<T extends KubeObject> {
  /** All of them, in no order; the same array until something changes. */
  list(): readonly T[]
  /** By `namespace/name`, or by name for a kind of the whole cluster. */
  get(key: string): T | undefined
  /** False until the first list has arrived. */
  readonly synced: boolean
  /** Resolves with the first list; rejects with the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void>
  /** Called after each change, and after each new list. Returns how to stop. */
  onChange(listener: () => void): () => void
}

export interface CacheOptions<T> extends ListQuery {
  /** Cuts an object down to what is read before it is kept. */
  trim?: (object: T) => T
}

interface Deps {
  client: Pick<KubeClient, 'list' | 'watch'>
  clock: Clock
  log: Logger
  random?: () => number
}

const backoffBaseMs = 200
const backoffCapMs = 30_000
// A watch that lasted this long worked: the next failure is a new one.
const healthyMs = 10_000

/**
 * Keeps the objects of a kind by list and watch until `signal` aborts. It survives everything the API server does: a
 * watch that ends or breaks goes on from the last version seen, a version that is expired (410), unknown to the server
 * or set back is answered by a new list, and failures are repeated with full jitter, up to 30 s apart. A failure is
 * logged when it begins and when it ends.
 */
export function startCache<T extends KubeObject>(
  deps: Deps,
  resource: Resource<T>,
  options: CacheOptions<T>,
  signal: AbortSignal,
): Cache<T> {
  const store = createStore<T>(options.trim ?? ((object) => object))
  void follow(deps, resource, options, store, signal)
  return store.cache
}

async function follow<T extends KubeObject>(
  { client, clock, log, random = Math.random }: Deps,
  resource: Resource<T>,
  { trim: _, ...query }: CacheOptions<T>,
  store: Store<T>,
  signal: AbortSignal,
): Promise<void> {
  let version: string | undefined
  for (let failures = 0; !signal.aborted; ) {
    const started = clock.monotonic()
    try {
      if (version === undefined) {
        const { items, resourceVersion } = await client.list(resource, query, signal)
        store.replace(items)
        version = resourceVersion
        if (failures > 0) log.info('watch works again', { kind: resource.kind })
        failures = 0
      }
      for await (const event of client.watch(resource, query, version, signal)) {
        const next: string = event.object.metadata.resourceVersion ?? version
        if (isBefore(next, version)) throw setBack(resource, version, next)
        store.apply(event)
        version = next
      }
      if (clock.monotonic() - started >= healthyMs) failures = 0
      // A server that ends every watch at once must not be asked in a tight loop.
      else await clock.sleep(fullJitter(failures++, backoffBaseMs, backoffCapMs, random), signal)
    } catch (error) {
      if (signal.aborted) return
      if (hasCode(error, 'Gone')) {
        version = undefined
        log.info('all are listed anew', { kind: resource.kind, because: errorText(error) })
      } else if (failures === 0) log.warn('watch failed', { kind: resource.kind, error: errorText(error) })
      await clock
        .sleep(fullJitter(failures++, backoffBaseMs, backoffCapMs, random), signal)
        .catch(() => undefined)
    }
  }
}

// Versions are decimal numbers that only grow (KEP-5504); shorter is less.
function isBefore(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length
}

/** A database that was restored from a backup tells of the past: nothing that is known holds any longer. */
function setBack({ kind }: Resource<KubeObject>, from: string, to: string): TerminalError {
  return new TerminalError(`the versions of ${kind} went back from ${from} to ${to}`, { code: 'Gone' })
}

interface Store<T extends KubeObject> {
  cache: Cache<T>
  replace(items: readonly T[]): void
  apply(event: WatchEvent<T>): void
}

function createStore<T extends KubeObject>(trim: (object: T) => T): Store<T> {
  // In the order of the keys, but for those that have come since the last list.
  let objects = new Map<string, T>()
  let hasNew = false
  let listed: readonly T[] | undefined
  let synced = false
  const listeners = new Set<() => void>()
  const first = Promise.withResolvers<void>()

  function changed(): void {
    listed = undefined
    for (const listener of [...listeners]) listener()
  }

  return {
    replace(items) {
      objects = new Map(items.map((item) => [keyOf(item), trim(item)]))
      hasNew = true
      synced = true
      first.resolve()
      changed()
    },
    apply({ type, object }) {
      if (type === 'BOOKMARK' || type === 'ERROR') return
      const key = keyOf(object)
      if (type === 'DELETED') {
        objects.delete(key)
      } else {
        hasNew ||= !objects.has(key)
        objects.set(key, trim(object))
      }
      changed()
    },
    cache: {
      list() {
        if (hasNew) objects = inOrder(objects)
        hasNew = false
        listed ??= [...objects.values()]
        return listed
      },
      get: (key) => objects.get(key),
      get synced() {
        return synced
      },
      whenSynced: (signal) => abortable(first.promise, signal),
      onChange(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
  }
}

function inOrder<T>(objects: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...objects].sort(([a], [b]) => (a < b ? -1 : 1)))
}
