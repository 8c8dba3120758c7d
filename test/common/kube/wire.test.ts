import t from 'tap'
import { systemClock as clock } from '../../../common/clock.ts'
import { startCache } from '../../../common/kube/cache.ts'
import { connect } from '../../../common/kube/connect.ts'
import type { ConfigMap } from '../../../common/kube/objects.ts'
import { resources } from '../../../common/kube/resources.ts'
import { captureLog } from '../../fixtures/log.ts'
import { until } from '../../fixtures/wait.ts'
import { startKubernetes } from '../../simulators/kubernetes/simulator.ts'

const sim = await startKubernetes()
t.teardown(() => sim.stop())
const end = new AbortController()
t.teardown(() => end.abort())
const { signal } = end
const { log } = captureLog()
const client = connect({ clock }, { kubeconfig: sim.adminKubeconfig })

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  metadata: { name, namespace: 'default' },
  data,
})
const named = (name: string) => ({ namespace: 'default', name })

t.test('each refusal has its code', async (t) => {
  const made = await client.create(resources.configMaps, configMap('a'), signal)
  const stale = { resourceVersion: made.metadata.resourceVersion ?? '' }
  await client.patch(resources.configMaps, named('a'), { data: { x: '1' } }, stale, signal)
  await t.rejects(client.create(resources.configMaps, configMap('a'), signal), { code: 'AlreadyExists' })
  await t.rejects(client.patch(resources.configMaps, named('a'), { data: { x: '2' } }, stale, signal), {
    code: 'Conflict',
  })
  await t.rejects(client.get(resources.configMaps, named('absent'), signal), { code: 'NotFound' })
  await t.rejects(client.delete(resources.configMaps, named('a'), { uid: 'another' }, signal), {
    code: 'Conflict',
  })
  sim.faults.next({ plural: 'configmaps' }, { kind: 'status', status: 429 })
  await t.rejects(client.get(resources.configMaps, named('a'), signal), {
    code: 'Throttled',
    retryAfterMs: 1000,
  })
  const kubeconfig = await sim.kubeconfigOf('system:serviceaccount:default:nobody')
  const nobody = connect({ clock }, { kubeconfig })
  await t.rejects(nobody.list(resources.secrets, {}, signal), { code: 'Forbidden' })
})

t.test('no error holds the token', async (t) => {
  const token = sim.users.tokenOf('admin')
  sim.faults.next({ plural: 'configmaps' }, { kind: 'reset', carriedOut: false })
  const error: Error = await client.get(resources.configMaps, named('a'), signal).then(
    () => t.fail('it must fail'),
    (reason) => reason,
  )
  t.match(error, { code: 'Unreachable' })
  t.notMatch(JSON.stringify(error), token.slice(0, 20))
})

t.test('a call that gets no answer ends with its own time limit', async (t) => {
  const hasty = connect({ clock }, { kubeconfig: sim.adminKubeconfig, callMs: 100 })
  sim.faults.next({ plural: 'configmaps' }, { kind: 'hang' })
  await t.rejects(hasty.get(resources.configMaps, named('a'), signal), { code: 'Timeout' })
})

t.test('calls one after the other share a connection', async (t) => {
  const before = sim.connections()
  const another = connect({ clock }, { kubeconfig: sim.adminKubeconfig })
  for (let i = 0; i < 5; i++) await another.get(resources.configMaps, named('a'), signal)
  t.equal(sim.connections() - before, 1)
})

t.test('all pages of a list are read', async (t) => {
  for (let i = 0; i < 7; i++) await client.create(resources.secrets, { metadata: named(`s-${i}`) }, signal)
  const { items } = await client.list(resources.secrets, { namespace: 'default' }, signal)
  t.equal(items.length, 7)
  t.match(items[0], { apiVersion: 'v1', kind: 'Secret' })
})

t.test('a cache survives broken watches, compaction and a server that restarts', async (t) => {
  const deps = { client, clock, log, random: () => 0.01 }
  const cache = startCache(deps, resources.configMaps, { namespace: 'default' }, signal)
  await cache.whenSynced(signal)
  t.equal(cache.get('default/a')?.data?.x, '1')
  t.equal(cache.list(), cache.list(), 'the list is made once a change')

  const becomes = (value: string) =>
    until(`x becomes ${value}`, () => cache.get('default/a')?.data?.x === value, { withinMs: 10_000 }, signal)
  const set = (x: string) => client.patch(resources.configMaps, named('a'), { data: { x } }, {}, signal)
  await set('3')
  await becomes('3')
  sim.watches.closeAll()
  await set('4')
  await becomes('4')
  await sim.restart(50)
  sim.store.patch('configmaps', named('a'), { data: { x: '5' } })
  sim.store.create('configmaps', configMap('b'))
  sim.store.compact()
  sim.watches.closeAll()
  await becomes('5')
  await client.delete(resources.configMaps, named('b'), {}, signal)
  await until('b is gone', () => cache.get('default/b') === undefined, { withinMs: 10_000 }, signal)
})
