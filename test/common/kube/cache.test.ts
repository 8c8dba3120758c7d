import t, { type Test } from 'tap'
import { TransientError } from '../../../common/errors.ts'
import { apiError } from '../../../common/kube/api-error.ts'
import { startCache } from '../../../common/kube/cache.ts'
import type { KubeClient, WatchEvent } from '../../../common/kube/client.ts'
import type { ConfigMap } from '../../../common/kube/objects.ts'
import { resources } from '../../../common/kube/resources.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { captureLog } from '../../fixtures/log.ts'

const configMap = (name: string, resourceVersion: string): ConfigMap => ({
  metadata: { name, namespace: 'default', resourceVersion },
  data: {},
})

/** A list, and what the watch after it tells until it fails or hangs. */
interface Turn {
  list: { items: ConfigMap[]; resourceVersion: string }
  events?: WatchEvent<ConfigMap>[]
  failure?: Error
}

/** A cache whose API server goes through `turns`, one for each list; gives what it has asked for. */
function follow(t: Test, turns: readonly Turn[]) {
  const clock = virtualClock()
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const asked: string[] = []
  let turn: Turn | undefined
  const client = {
    async list() {
      turn = turns[asked.filter((what) => what === 'list').length]
      asked.push('list')
      if (!turn) throw new TransientError('no more turns', { code: 'Unreachable' })
      return turn.list
    },
    async *watch(_: unknown, __: unknown, version: string, signal: AbortSignal) {
      asked.push(`watch ${version}`)
      yield* turn?.events ?? []
      if (turn?.failure) throw turn.failure
      await clock.sleep(Number.POSITIVE_INFINITY, signal)
    },
  } as unknown as Pick<KubeClient, 'list' | 'watch'>
  const deps = { client, clock, log: captureLog().log, random: () => 0.5 }
  return { clock, asked, cache: startCache(deps, resources.configMaps, {}, stop.signal) }
}

const tooLarge = apiError(
  'watch',
  504,
  {
    kind: 'Status',
    reason: 'Timeout',
    message: 'Timeout: Too large resource version: 500, current: 20',
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
  },
  undefined,
)

t.test('a version that the server does not know any more or yet is answered by a new list', async (t) => {
  for (const failure of [apiError('watch', 410, undefined, undefined), tooLarge]) {
    const { clock, asked, cache } = follow(t, [
      { list: { items: [configMap('old', '400')], resourceVersion: '500' }, failure },
      { list: { items: [configMap('new', '10')], resourceVersion: '20' } },
    ])
    await clock.advance(60_000)
    t.same(asked, ['list', 'watch 500', 'list', 'watch 20'], failure.message)
    t.same(
      cache.list().map(({ metadata }) => metadata.name),
      ['new'],
    )
  }
})

t.test('versions that go back are those of a restored database: all is listed anew', async (t) => {
  const bookmark: WatchEvent<ConfigMap> = { type: 'BOOKMARK', object: configMap('', '99') }
  const { clock, asked, cache } = follow(t, [
    { list: { items: [configMap('lost', '100')], resourceVersion: '101' }, events: [bookmark] },
    { list: { items: [], resourceVersion: '99' } },
  ])
  await clock.advance(60_000)
  t.same(asked, ['list', 'watch 101', 'list', 'watch 99'])
  t.same(cache.list(), [])
})

t.test('another failure goes on from the last version', async (t) => {
  const event: WatchEvent<ConfigMap> = { type: 'ADDED', object: configMap('b', '9') }
  const bookmark: WatchEvent<ConfigMap> = { type: 'BOOKMARK', object: configMap('', '10') }
  const { clock, asked } = follow(t, [
    {
      list: { items: [], resourceVersion: '8' },
      events: [event, bookmark],
      failure: apiError('watch', 500, undefined, undefined),
    },
  ])
  await clock.advance(100)
  t.same(asked.slice(0, 3), ['list', 'watch 8', 'watch 10'])
})
