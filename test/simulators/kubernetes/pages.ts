import { randomUUID } from 'node:crypto'
import type { KubeObject } from '../../../common/kube/objects.ts'
import { StatusError } from './status.ts'

export interface Page {
  items: readonly KubeObject[]
  revision: number
  continue?: string
  remaining: number
}

/** Lists that were begun and not ended: a page is of the moment of the first one, whatever was written since. */
export interface Pages {
  first(items: readonly KubeObject[], revision: number, limit: number): Page
  /** Throws 410 for a list that is not known (any more). */
  next(token: string, limit: number): Page
  /** Forgets them all, as a compaction does. */
  expire(): void
}

const most = 100

export function createPages(): Pages {
  const begun = new Map<string, { items: readonly KubeObject[]; revision: number }>()

  function cut(items: readonly KubeObject[], revision: number, limit: number): Page {
    const rest = limit > 0 ? items.slice(limit) : []
    const page = { items: limit > 0 ? items.slice(0, limit) : items, revision, remaining: rest.length }
    if (rest.length === 0) return page
    const token = randomUUID()
    begun.set(token, { items: rest, revision })
    for (const oldest of begun.keys()) if (begun.size > most) begun.delete(oldest)
    return { ...page, continue: token }
  }

  return {
    first: cut,
    next(token, limit) {
      const list = begun.get(token)
      if (!list)
        throw new StatusError(
          410,
          'Expired',
          'The provided continue parameter is too old to display a consistent list',
        )
      return cut(list.items, list.revision, limit)
    },
    expire: () => begun.clear(),
  }
}
