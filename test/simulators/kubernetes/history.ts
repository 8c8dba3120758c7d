import type { KubeObject } from '../../../common/kube/objects.ts'
import { expired } from './status.ts'

/** One write: `object` as it is after it (for DELETED: as it was, at the revision of its deletion). */
export interface Change<T = KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  plural: string
  revision: number
  object: T
  /** The object before the write. */
  previous?: T
}

export type ChangeListener = (change: Change) => void

/** All writes in order, as far back as the last compaction. */
export interface History {
  readonly revision: number
  /** Revision of the next write. */
  next(): number
  /** Records a write and tells the listeners; a write made by a listener is told after this one. */
  record(change: Change): void
  /** Hands over all writes after `fromRevision`, then every new one. Throws 410 if some of them are compacted. */
  watch(fromRevision: number, listener: ChangeListener): () => void
  /** Forgets all writes so far, as etcd does every five minutes: a watch from before is refused with 410. */
  compact(): void
}

// More than any test writes between a list and its watch, and little enough to keep.
const keptChanges = 20_000

export function createHistory(): History {
  let revision = 0
  let compacted = 0
  let changes: Change[] = []
  let telling = false
  const untold: Change[] = []
  const listeners = new Set<ChangeListener>()

  function tell(): void {
    if (telling) return
    telling = true
    try {
      for (let change = untold.shift(); change; change = untold.shift()) {
        for (const listener of [...listeners]) listener(change)
      }
    } finally {
      telling = false
    }
  }

  return {
    get revision() {
      return revision
    },
    next: () => ++revision,
    record(change) {
      changes.push(change)
      if (changes.length > 2 * keptChanges) {
        changes = changes.slice(-keptChanges)
        compacted = (changes[0]?.revision ?? revision) - 1
      }
      untold.push(change)
      tell()
    },
    watch(fromRevision, listener) {
      if (fromRevision < compacted) throw expired(fromRevision, compacted)
      // What is recorded but not yet told reaches the new listener in its turn.
      const upTo = untold[0]?.revision ?? Infinity
      for (const change of changes) {
        if (change.revision > fromRevision && change.revision < upTo) listener(change)
      }
      const fromHere: ChangeListener = (change) => {
        if (change.revision > fromRevision) listener(change)
      }
      listeners.add(fromHere)
      return () => listeners.delete(fromHere)
    },
    compact() {
      compacted = revision
      changes = []
    },
  }
}
