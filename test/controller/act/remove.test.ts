import t, { type Test } from 'tap'
import { annotations, taints } from '../../../common/api/names.ts'
import { TransientError } from '../../../common/errors.ts'
import { resources } from '../../../common/kube/resources.ts'
import { removeDeadNode, removeNode, removeUnregistered } from '../../../controller/act/remove.ts'
import { writeTimers } from '../../../controller/act/timers.ts'
import { guardNodeGroup } from '../../../controller/nodes/nodegroup-end.ts'
import type { Machine } from '../../../controller/vpsie/provider.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { controllerDeps } from '../../fixtures/controller.ts'
import { type StoreClientOptions, storeOfOurs } from '../../fixtures/kube-client.ts'
import { machine } from '../../fixtures/machine-pass.ts'
import { autoscalerConfig, node, nodeGroup, vpsieNode } from '../../fixtures/objects.ts'

const signal = new AbortController().signal
const names = ['n-1', 'n-2', 'n-3']
const unneededSince = '2026-01-31T00:00:00Z'

/** Three nodes with claims and machines; nothing runs on them. */
function world(t: Test, hooks: StoreClientOptions = {}) {
  const clock = virtualClock()
  const store = storeOfOurs({ clock })
  const group = store.create(
    resources.nodeGroups,
    nodeGroup('workers', {
      spec: {
        disruption: { maxUnavailable: '100%', minNodeAgeSeconds: 0 },
        scaleDownPolicy: {
          enabled: true,
          cooldownSeconds: 600,
          stabilizationWindowSeconds: 60,
          cpuThreshold: 50,
          memoryThreshold: 50,
        },
      },
    }),
  )
  const machines: Machine[] = names.map((name) => machine(`machine-${name}`, 0))
  for (const name of names) {
    store.create(resources.vpsieNodes, vpsieNode(name))
    store.create(
      resources.nodes,
      node(name, {
        metadata: { annotations: { [annotations.unneededSince]: unneededSince } },
        spec: { providerID: `vpsie://dc-1/cluster-1/machine-${name}` },
      }),
    )
  }
  const base = controllerDeps(t, store, { clock, flags: ['--usage=off'], ...hooks })
  const deps = { ...base, provider: { ...base.provider, listMachines: async () => machines } }
  const nodeOf = (name: string) => store.get(resources.nodes, { name })
  const claimOf = (name: string) => store.find(resources.vpsieNodes, { namespace: 'kube-system', name })
  return {
    clock,
    store,
    deps,
    group,
    machines,
    nodeOf,
    claimOf,
    claim: (name: string) => claimOf(name) ?? vpsieNode(name),
  }
}

const unready = (since: string) => ({
  status: { conditions: [{ type: 'Ready', status: 'Unknown', lastTransitionTime: since }] },
})

t.test('removals that were decided together do not stop each other by the cooldown', async (t) => {
  const { deps, nodeOf, claim, claimOf } = world(t)
  const done = await Promise.all(names.map((name) => removeNode(deps, nodeOf(name), claim(name), signal)))
  t.strictSame(done, [true, true, true])
  t.ok(names.every((name) => claimOf(name)?.metadata.deletionTimestamp))
})

t.test('a removal whose drain is refused undoes the taint, stops and says so', async (t) => {
  const { deps, store, clock, nodeOf, claim, claimOf } = world(t)
  store.patch(
    resources.nodes,
    { name: 'n-1' },
    { metadata: { annotations: { [annotations.protected]: 'true' } } },
  )
  t.equal(await removeNode(deps, nodeOf('n-1'), claim('n-1'), signal), false)
  await clock.advance(1000)
  t.equal(claimOf('n-1')?.metadata.deletionTimestamp, undefined)
  t.notOk(nodeOf('n-1').spec?.taints?.some(({ key }) => key === taints.disrupted))
})

t.test(
  'a dead node whose machine VPSie lists is given up, without a mark that would outlive a failure',
  async (t) => {
    const { deps, store, nodeOf, claim, claimOf } = world(t)
    store.patch(resources.nodes, { name: 'n-1' }, unready('2026-01-31T00:00:00Z'))
    t.equal(await removeDeadNode(deps, nodeOf('n-1'), claim('n-1'), signal), true)
    t.ok(claimOf('n-1')?.metadata.deletionTimestamp)
    t.equal(claimOf('n-1')?.metadata.annotations?.[annotations.forceDelete], undefined)
  },
)

t.test('a dead node that has come back since is kept', async (t) => {
  const { deps, store, nodeOf, claim, claimOf } = world(t)
  store.patch(resources.nodes, { name: 'n-1' }, unready('2026-01-31T00:00:00Z'))
  const seen = nodeOf('n-1')
  store.patch(resources.nodes, { name: 'n-1' }, { status: node('n-1').status })
  t.equal(await removeDeadNode(deps, seen, claim('n-1'), signal), false)
  t.equal(claimOf('n-1')?.metadata.deletionTimestamp, undefined)
})

t.test('a dead node is kept while VPSie lists none of the machines that live', async (t) => {
  const { deps, store, machines, nodeOf, claim } = world(t)
  store.patch(resources.nodes, { name: 'n-1' }, unready('2026-01-31T00:00:00Z'))
  machines.length = 0
  t.equal(await removeDeadNode(deps, nodeOf('n-1'), claim('n-1'), signal), false)
})

t.test('of a machine that lives under another name only the Node that it has left goes', async (t) => {
  const { deps, store, nodeOf, claim, claimOf } = world(t)
  store.patch(resources.nodes, { name: 'n-1' }, unready('2026-01-31T00:00:00Z'))
  const again = node('again', { spec: { providerID: 'vpsie://dc-1/cluster-1/machine-n-1' } })
  store.create(resources.nodes, again)
  t.equal(await removeDeadNode(deps, nodeOf('n-1'), claim('n-1'), signal), true)
  t.equal(store.find(resources.nodes, { name: 'n-1' }), undefined)
  t.equal(claimOf('n-1')?.metadata.deletionTimestamp, undefined)
})

t.test('a claim without a Node is given up once it has failed, and not before', async (t) => {
  const { deps, store, claim, claimOf } = world(t)
  const key = { namespace: 'kube-system', name: 'lost' }
  store.create(resources.vpsieNodes, vpsieNode('lost', { status: { phase: 'Provisioned' } }))
  t.equal(await removeUnregistered(deps, claim('lost'), signal), false)
  store.patch(resources.vpsieNodes, key, { status: { phase: 'Failed' } })
  t.equal(await removeUnregistered(deps, claim('lost'), signal), true)
  t.ok(claimOf('lost')?.metadata.deletionTimestamp)
})

t.test('a note that cannot be written stops no other', async (t) => {
  const { deps, nodeOf } = world(t, {
    before({ verb, name }) {
      if (verb === 'patch' && name === 'n-1') throw new TransientError('away', { code: 'Unreachable' })
    },
  })
  const decisions = names.map((name) => ({
    node: name,
    nodeGroup: 'kube-system/workers',
    verdict: 'keep' as const,
    evict: [],
    moves: [],
    reasons: [],
  }))
  await writeTimers(deps, decisions, signal)
  t.strictSame(
    names.map((name) => nodeOf(name).metadata.annotations?.[annotations.unneededSince]),
    [unneededSince, undefined, undefined],
  )
})

t.test(
  'a NodeGroup is not released while the API server knows a claim that the cache does not',
  async (t) => {
    const { deps, store, group } = world(t)
    const name = { namespace: 'kube-system', name: 'workers' }
    store.patch(resources.nodeGroups, name, {
      metadata: { finalizers: ['nodegroup.autoscaler.vpsie.com/finalizer'] },
    })
    store.delete(resources.nodeGroups, name)
    await guardNodeGroup(deps, store.get(resources.nodeGroups, group.metadata as typeof name), [], signal)
    t.ok(store.find(resources.nodeGroups, name))
  },
)

t.test('a NodeGroup that is being deleted gives up no claim while everything is paused', async (t) => {
  const { deps, store, claimOf, claim } = world(t)
  const name = { namespace: 'kube-system', name: 'workers' }
  store.patch(resources.nodeGroups, name, {
    metadata: { finalizers: ['nodegroup.autoscaler.vpsie.com/finalizer'] },
  })
  store.delete(resources.nodeGroups, name)
  const guard = () => guardNodeGroup(deps, store.get(resources.nodeGroups, name), names.map(claim), signal)
  store.create(resources.autoscalerConfigs, autoscalerConfig({ globalSettings: { paused: true } }))
  await guard()
  t.equal(claimOf('n-1')?.metadata.deletionTimestamp, undefined)
  store.patch(
    resources.autoscalerConfigs,
    { name: 'default' },
    { spec: { globalSettings: { paused: false } } },
  )
  await guard()
  t.ok(claimOf('n-1')?.metadata.deletionTimestamp)
})
