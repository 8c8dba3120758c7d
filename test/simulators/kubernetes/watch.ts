import type { ServerResponse } from 'node:http'
import type { KubeObject } from '../../../common/kube/objects.ts'
import type { Change } from './history.ts'
import { apiVersionOf, type Kind } from './kinds.ts'
import { parseFieldSelector, parseLabelSelector } from './selectors.ts'
import { StatusError } from './status.ts'
import type { Query, Store } from './store.ts'

export interface WatchOptions extends Query {
  resourceVersion: number
  bookmarks: boolean
  timeoutMs: number
}

/** The watches that are open, so that a test can end or silence them. */
export interface Watches {
  open(store: Store, kind: Kind, options: WatchOptions, response: ServerResponse): void
  readonly count: number
  /** Breaks every connection. */
  closeAll(): void
  /** From now on nothing is sent any more, as by a proxy that has died. */
  silence(): void
}

const bookmarkMs = 2_000

export function createWatches(): Watches {
  const responses = new Set<ServerResponse>()
  let isSilent = false

  return {
    open(store, kind, options, response) {
      const tell = eventSender(kind, options, (type, object) => send(type, object))
      response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
      response.flushHeaders()
      const send = (type: string, object: object) => {
        if (!isSilent && !response.writableEnded) response.write(`${JSON.stringify({ type, object })}\n`)
      }
      responses.add(response)
      const stops: (() => void)[] = [() => responses.delete(response)]
      const stop = () => {
        for (const each of stops.splice(0)) each()
      }
      response.on('close', stop)
      const { namespace, labelSelector, fieldSelector, resourceVersion } = options
      try {
        if (resourceVersion === 0) {
          for (const object of store.list(kind.plural, { namespace, labelSelector, fieldSelector }))
            send('ADDED', object)
        }
        stops.push(store.watch(kind.plural, resourceVersion || store.revision, tell))
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        send('ERROR', error.toStatus())
        response.end()
        return
      }
      if (options.bookmarks) {
        const bookmark = () =>
          send('BOOKMARK', {
            apiVersion: apiVersionOf(kind),
            kind: kind.kind,
            metadata: { resourceVersion: String(store.revision), creationTimestamp: null },
          })
        const timer = setInterval(bookmark, bookmarkMs)
        stops.push(() => clearInterval(timer))
      }
      const end = setTimeout(() => response.end(), options.timeoutMs)
      stops.push(() => clearTimeout(end))
    },
    get count() {
      return responses.size
    },
    closeAll() {
      for (const response of responses) response.destroy()
    },
    silence() {
      isSilent = true
    },
  }
}

/** An object that comes to match a selector is ADDED for its watcher, one that stops matching DELETED. */
function eventSender(
  { plural }: Kind,
  { namespace, labelSelector, fieldSelector }: Query,
  send: (type: string, object: object) => void,
): (change: Change) => void {
  const labelsMatch = parseLabelSelector(labelSelector ?? '')
  const fieldsMatch = parseFieldSelector(fieldSelector ?? '', plural)
  const matches = (object: KubeObject | undefined) =>
    object !== undefined &&
    (!namespace || object.metadata.namespace === namespace) &&
    labelsMatch(object.metadata.labels ?? {}) &&
    fieldsMatch(object)
  return ({ type, object, previous }) => {
    const [before, after] = [matches(previous), matches(object)]
    if (type === 'DELETED') {
      if (before || after) send('DELETED', object)
    } else if (after) send(before ? 'MODIFIED' : 'ADDED', object)
    else if (before) send('DELETED', object)
  }
}
