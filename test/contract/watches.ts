import type { ClientRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { until } from '../fixtures/wait.ts'
import type { Floor } from '../floors/floor.ts'
import { apiOf } from './api.ts'

interface WatchEvent {
  type: string
  object: { metadata: { name: string; resourceVersion: string }; code?: number; reason?: string }
}

interface Watching {
  status: number
  events: WatchEvent[]
  stop(): void
}

const path = '/api/v1/namespaces/default/configmaps'
const signal = new AbortController().signal

/** What a watch tells, and in which order. */
export function watchContract(t: Test, floor: Floor): void {
  const api = apiOf(floor)
  const configMap = (name: string, color: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { watch: 'yes', color } },
  })

  async function watch(query: string): Promise<Watching> {
    const { promise, resolve, reject } = Promise.withResolvers<Watching>()
    const request: ClientRequest = httpsRequest(
      `${floor.url}${path}?watch=1&${query}`,
      { ca: floor.ca, agent: false, headers: { authorization: `Bearer ${floor.adminToken}` } },
      (response) => {
        const events: WatchEvent[] = []
        createInterface({ input: response })
          .on('line', (line) => events.push(JSON.parse(line)))
          .on('error', () => undefined) // its own stop looks like a broken connection to it
        resolve({ status: response.statusCode ?? 0, events, stop: () => request.destroy() })
      },
    )
    request.on('error', reject)
    request.end()
    return promise
  }

  const seen = ({ events }: Watching) =>
    events
      .filter(({ type }) => type !== 'BOOKMARK')
      .map(({ type, object }) => `${type} ${object.metadata.name}`)

  t.test('a watch tells every write after its version, in order', async (t) => {
    await api.post(path, configMap('w-1', 'red'))
    const { body: list } = await api.get(`${path}?labelSelector=watch=yes`)
    await api.post(path, configMap('w-2', 'red'))
    const watching = await watch(`labelSelector=watch=yes&resourceVersion=${list.metadata.resourceVersion}`)
    t.teardown(() => watching.stop())
    await api.patch(`${path}/w-1`, { data: { a: '1' } })
    await api.delete(`${path}/w-2`)
    await until(
      'all is told',
      () => seen(watching).length === 3,
      { seen: () => seen(watching).join() },
      signal,
    )
    t.same(seen(watching), ['ADDED w-2', 'MODIFIED w-1', 'DELETED w-2'])
    const versions = watching.events.map(({ object }) => Number(object.metadata.resourceVersion))
    t.same(
      versions,
      [...versions].sort((a, b) => a - b),
    )
  })

  t.test('what comes to match a selector is added, what stops to match is deleted', async (t) => {
    await api.post(path, configMap('w-3', 'red'))
    const selector = encodeURIComponent('watch=yes,color=blue')
    const { body: list } = await api.get(`${path}?labelSelector=${selector}`)
    const watching = await watch(`labelSelector=${selector}&resourceVersion=${list.metadata.resourceVersion}`)
    t.teardown(() => watching.stop())
    await api.patch(`${path}/w-3`, { metadata: { labels: { color: 'blue' } } })
    await api.patch(`${path}/w-3`, { metadata: { labels: { color: 'green' } } })
    await until('both are told', () => seen(watching).length === 2, {}, signal)
    t.same(seen(watching), ['ADDED w-3', 'DELETED w-3'])
  })

  t.test('version 0 begins with what there is', async (t) => {
    const watching = await watch('fieldSelector=metadata.name=w-3&resourceVersion=0')
    t.teardown(() => watching.stop())
    await until('it is told', () => seen(watching).length === 1, {}, signal)
    t.same(seen(watching), ['ADDED w-3'])
  })

  t.test('a selector that cannot be read is refused', async (t) => {
    t.equal((await watch(`labelSelector=${encodeURIComponent('a in (')}`)).status, 400)
  })
}
