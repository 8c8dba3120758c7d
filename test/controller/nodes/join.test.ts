import t from 'tap'
import type { VPSieNode } from '../../../common/api/vpsienode.ts'
import { resources } from '../../../common/kube/resources.ts'
import { machine, machinePass } from '../../fixtures/machine-pass.ts'
import { node } from '../../fixtures/objects.ts'

/** A claim that is Ready, with its machine, and the Node of it. */
function ready(t: Parameters<typeof machinePass>[0], options: Parameters<typeof machinePass>[1] = {}) {
  const pass = machinePass(t, options)
  pass.machines.push(machine('m-1', 0))
  const joined = node('node-1', { spec: { providerID: 'vpsie://dc-1/cluster-1/m-1' } })
  pass.store.create(resources.nodes, joined)
  pass.setClaim({ spec: { vpsieNodeIdentifier: 'm-1' }, status: { phase: 'Joining' } })
  return pass
}

const setReady = (store: ReturnType<typeof machinePass>['store'], status: string, at: string) =>
  store.patch(
    resources.nodes,
    { name: 'node-1' },
    {
      status: { conditions: [{ type: 'Ready', status, lastTransitionTime: at }] },
    },
  )

const conditionOf = (claim: VPSieNode | undefined, type: string) =>
  claim?.status?.conditions?.find((condition) => condition.type === type)?.status

t.test('conditions NodeReady and Error follow what is', async (t) => {
  const { passes, claim, store, setClaim } = ready(t)
  setClaim({ status: { conditions: [{ type: 'Error', status: 'True', reason: 'x', message: 'x' }] } })
  await passes(2)
  t.strictSame([conditionOf(claim(), 'NodeReady'), conditionOf(claim(), 'Error')], ['True', 'False'])
  setReady(store, 'Unknown', '2026-02-01T00:00:00Z')
  await passes(1)
  t.equal(conditionOf(claim(), 'NodeReady'), 'False')
  setReady(store, 'True', '2026-02-01T00:01:00Z')
  await passes(1)
  t.equal(conditionOf(claim(), 'NodeReady'), 'True')
  t.equal(claim()?.status?.phase, 'Ready')
})

t.test('a node that runs another minor version than asked for is told', async (t) => {
  const { passes, events, store } = ready(t)
  store.patch(resources.nodes, { name: 'node-1' }, { status: { nodeInfo: { kubeletVersion: 'v1.33.9' } } })
  await passes(1)
  t.ok(events.includes('VersionSkew'))
})

t.test('a leaving claim finds its Node at the API server when the cache does not know it yet', async (t) => {
  const { passes, store, key, calls } = ready(t, {
    deps: (deps) => ({
      ...deps,
      caches: { ...deps.caches, nodes: { ...deps.caches.nodes, list: () => [], get: () => undefined } },
    }),
  })
  const held = {
    metadata: { name: 'app-1', namespace: 'default' },
    spec: { nodeName: 'node-1', containers: [] },
  }
  store.create(resources.pods, { apiVersion: 'v1', kind: 'Pod', ...held, status: { phase: 'Running' } })
  store.delete(resources.vpsieNodes, key)
  await passes(2)
  t.strictSame(calls.deleted, [], 'its pod has been evicted and still stops')
  store.delete(resources.pods, held.metadata, { gracePeriodSeconds: 0 })
  await passes(1)
  t.strictSame(calls.deleted, ['m-1'])
})

t.test(
  'a leaving claim whose Node has been silent for long is not drained: its machine goes first',
  async (t) => {
    const { passes, store, key, calls, claim } = ready(t)
    setReady(store, 'Unknown', '2026-01-31T23:00:00Z')
    const held = {
      metadata: { name: 'app-1', namespace: 'default' },
      spec: { nodeName: 'node-1', containers: [] },
    }
    store.create(resources.pods, { apiVersion: 'v1', kind: 'Pod', ...held, status: { phase: 'Running' } })
    store.delete(resources.vpsieNodes, key)
    await passes(4)
    t.strictSame(calls.deleted.slice(0, 1), ['m-1'])
    t.equal(claim(), undefined)
    t.equal(store.find(resources.nodes, { name: 'node-1' }), undefined)
  },
)

t.test('a Ready Node that only has the address of a machine that is gone is left alone', async (t) => {
  const { passes, store, key, setClaim, claim, machines } = machinePass(t)
  setClaim({
    spec: { vpsieNodeIdentifier: 'm-1', ipAddress: '10.0.0.7' },
    status: { phase: 'Deleting' },
  })
  machines.length = 0
  const other = node('other', {
    spec: { providerID: 'vpsie://dc-1/cluster-1/m-9' },
    status: { ...node().status, addresses: [{ type: 'InternalIP', address: '10.0.0.7' }] },
  })
  store.create(resources.nodes, other)
  store.delete(resources.vpsieNodes, key)
  await passes(4)
  t.equal(claim(), undefined)
  t.ok(store.find(resources.nodes, { name: 'other' }))
})

t.test('a claim that has failed is deleted, with its machine, after its time', async (t) => {
  const flags = ['--launch-timeout=2m', '--failed-vpsienode-ttl=3m', '--add-settle-time=1m']
  const { passes, claim, deps } = machinePass(t, { flags })
  await passes(6)
  t.equal(claim()?.status?.phase, 'Failed')
  await passes(8)
  t.equal(claim(), undefined)
  const { values } = await deps.metrics.vpsienode_ttl_deletions_total.get()
  t.match(values, [{ value: 1, labels: { nodegroup: 'workers', namespace: 'kube-system' } }])
})

t.test('launch, registration and joining have time-outs of their own', async (t) => {
  const order = (machines: ReturnType<typeof machine>[], now: number) =>
    void machines.push(machine('m-1', now))
  const flags = [
    '--launch-timeout=2m',
    '--register-timeout=4m',
    '--join-timeout=8m',
    '--failed-vpsienode-ttl=0',
  ]
  const reasonOf = (claim: VPSieNode | undefined) =>
    claim?.status?.conditions?.find(({ type, status }) => type === 'Error' && status === 'True')?.reason
  const launched = machinePass(t, { flags })
  await launched.passes(4)
  t.equal(reasonOf(launched.claim()), undefined)
  await launched.passes(2)
  t.equal(reasonOf(launched.claim()), 'ProvisioningTimeout')
  const made = machinePass(t, { flags, order })
  await made.passes(8)
  t.equal(reasonOf(made.claim()), undefined)
  await made.passes(4)
  t.equal(reasonOf(made.claim()), 'RegistrationTimeout')
  const joined = machinePass(t, { flags, order })
  const spec = { providerID: 'vpsie://dc-1/cluster-1/m-1' }
  joined.store.create(resources.nodes, node('node-1', { spec, status: { conditions: [] } }))
  await joined.passes(16)
  t.equal(reasonOf(joined.claim()), undefined)
  await joined.passes(4)
  t.equal(reasonOf(joined.claim()), 'JoiningTimeout')
})
