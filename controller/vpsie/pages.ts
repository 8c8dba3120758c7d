import Type from 'typebox'
import type { Call } from './call.ts'
import type { Envelope } from './envelope.ts'
import { badReply, checked, maybe, wholeNumber } from './rows.ts'

/** One page of a list, and how many there are. */
export interface Page<T> {
  rows: T[]
  pages: number
}

// As vpsieinc/vpsie-k8s-autoscaler types it. Lists that come whole carry none.
const pagination = Type.Object({ current_page: maybe(wholeNumber), total_pages: maybe(wholeNumber) })

// A cluster has at most 10,000 nodes here; more pages than this are a mistake, and each costs a request.
const mostPages = 200

/** A list call that reads its pages, too: page 1 as ever, further ones by number. */
export function paged<T>(request: Call<T[]>): (page: number) => Call<Page<T>> {
  const numbered = (path: string, page: number) =>
    page === 1 ? path : `${path}${path.includes('?') ? '&' : '?'}page=${page}`
  return (page) => ({
    ...request,
    path: numbered(request.path, page),
    ...(request.at ? { at: withPath(request.at, (path) => numbered(path, page)) } : {}),
    read: (envelope, dialect) => ({ rows: request.read(envelope, dialect), pages: pagesOf(envelope, page) }),
  })
}

function withPath(
  at: NonNullable<Call<unknown>['at']>,
  change: (path: string) => string,
): NonNullable<Call<unknown>['at']> {
  return (dialect) => {
    const place = at(dialect)
    return { ...place, path: change(place.path) }
  }
}

function pagesOf({ pagination: told }: Envelope, page: number): number {
  const { current_page, total_pages } = checked(pagination, told ?? {}, 'pagination')
  const pages = Number(total_pages ?? 1)
  if (pages > mostPages)
    throw badReply('pagination.total_pages', `must be at most ${mostPages}: it is ${pages}`)
  // VPSie that ignores the number would give the first page again and again.
  if (page > 1 && current_page !== undefined && current_page !== null && Number(current_page) !== page)
    throw badReply(
      'pagination.current_page',
      `must be ${page}, the page that was asked for: it is ${current_page}`,
    )
  return pages
}

/** All rows of all pages, in order. Rejects if any page cannot be had: half a list must not pass for the whole. */
export async function everyPage<T>(ask: (page: number) => Promise<Page<T>>): Promise<T[]> {
  const first = await ask(1)
  const rows = [...first.rows]
  for (let page = 2; page <= first.pages; page++) rows.push(...(await ask(page)).rows)
  return rows
}
