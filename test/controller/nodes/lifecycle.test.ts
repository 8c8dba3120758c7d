import t from 'tap'
import type { VPSieNode } from '../../../common/api/vpsienode.ts'
import { TerminalError, TransientError } from '../../../common/errors.ts'
import { resources } from '../../../common/kube/resources.ts'
import { newClaim } from '../../../controller/nodes/claims.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import type { StoreClientOptions } from '../../fixtures/kube-client.ts'
import { machine, machinePass, minute } from '../../fixtures/machine-pass.ts'
import { autoscalerConfig, nodeGroup } from '../../fixtures/objects.ts'

const lost = () => new TransientError('no reply', { code: 'Timeout' })

t.test('an order makes one machine, and its claim owns it', async (t) => {
  const { passes, claim, calls } = machinePass(t, {
    order: (machines, now) => void machines.push(machine('m-1', now)),
  })
  await passes(3)
  t.equal(calls.orders, 1)
  t.match(claim(), { spec: { vpsieNodeIdentifier: 'm-1' }, status: { phase: 'Provisioned' } })
})

t.test('an order whose reply was lost is not repeated when its machine turns up', async (t) => {
  const { passes, claim, calls } = machinePass(t, {
    order(machines, now) {
      machines.push(machine('m-1', now))
      throw lost()
    },
  })
  await passes(60)
  t.equal(calls.orders, 1)
  t.equal(claim()?.spec.vpsieNodeIdentifier, 'm-1')
})

t.test('an order whose reply was lost is repeated only after the settle time', async (t) => {
  let isLost = true
  const { passes, claim, calls } = machinePass(t, {
    order(machines, now) {
      if (isLost) throw lost()
      machines.push(machine('m-2', now))
    },
  })
  await passes(28)
  t.equal(calls.orders, 1, 'within 15 minutes it is not')
  isLost = false
  await passes(8)
  t.equal(calls.orders, 2)
  t.equal(claim()?.spec.vpsieNodeIdentifier, 'm-2')
})

t.test('a machine that somebody made by hand is neither adopted nor deleted', async (t) => {
  const { passes, claim, machines, store, key } = machinePass(t, {
    order() {
      throw lost()
    },
  })
  machines.push(machine('by-hand', 0))
  await passes(5)
  t.equal(claim()?.spec.vpsieNodeIdentifier, undefined)
  store.delete(resources.vpsieNodes, key)
  await passes(60)
  t.equal(claim(), undefined, 'the claim is gone')
  t.same(
    machines.map(({ uuid }) => uuid),
    ['by-hand'],
  )
})

t.test('a claim that VPSie refuses gives its place up at once, and the size is left alone', async (t) => {
  const { passes, claim, store, calls } = machinePass(t, {
    order() {
      throw new TerminalError('exceeds the allowed limit 5', { code: 'Quota' })
    },
  })
  await passes(4)
  t.equal(calls.orders, 1)
  t.equal(claim(), undefined)
  const [backoff] =
    store.get(resources.nodeGroups, { namespace: 'kube-system', name: 'workers' }).status?.backoffs ?? []
  t.match(backoff, { offering: 'small', datacenterID: 'dc-1', failures: 1, reason: /allowed limit 5/ })
})

t.test('a late machine of a claim that was deleted meanwhile is found, and deleted with it', async (t) => {
  const { passes, claim, machines, store, key } = machinePass(t, {
    order() {
      throw lost()
    },
  })
  await passes(2)
  store.delete(resources.vpsieNodes, key)
  await passes(4)
  t.ok(claim(), 'it waits to learn which machine was made')
  machines.push(machine('late', virtualClock().now() + 2 * minute))
  await passes(6)
  t.equal(claim(), undefined)
  t.same(machines, [])
})

for (const moment of ['before', 'after'] as const) {
  t.test(
    `a leader that dies ${moment} any of its calls leaves exactly one machine to the next`,
    async (t) => {
      let isReached = true
      for (let fatal = 1; isReached; fatal++) {
        let calls = 0
        let isDead = false
        const die = () => {
          if (isDead || calls === fatal) {
            isDead = true
            throw new Error('the leader is dead')
          }
        }
        const hooks: StoreClientOptions = {
          before() {
            calls++
            if (moment === 'before' || isDead) die()
          },
          after: moment === 'after' ? die : () => undefined,
        }
        const { passes, machines, claim } = machinePass(t, {
          order: (list, now) => void list.push(machine(`m-${list.length}`, now)),
          ...hooks,
        })
        await passes(3).catch(() => undefined) // what a dead leader throws is heard by nobody
        isReached = isDead
        isDead = false
        calls = Number.NEGATIVE_INFINITY
        await passes(70)
        t.equal(machines.length, 1, `call ${fatal}`)
        t.equal(claim()?.spec.vpsieNodeIdentifier, 'm-0')
      }
    },
  )
}

t.test('a claim is not ordered while VPSie counts more machines than its list shows', async (t) => {
  const { passes, calls, pool, machines } = machinePass(t)
  pool.nodeCount = 1
  await passes(4)
  t.equal(calls.orders, 0, 'the baseline would lack the machine that is there')
  machines.push(machine('by-hand', 0))
  await passes(1)
  t.equal(calls.orders, 1)
})

t.test('a count that never agrees holds orders up no longer than the settle time', async (t) => {
  const { passes, calls, pool } = machinePass(t)
  pool.nodeCount = 1
  await passes(32)
  t.equal(calls.orders, 1)
})

t.test('the baseline is taken off again once the machine is known', async (t) => {
  const { passes, claim } = machinePass(t, {
    order: (machines, now) => void machines.push(machine('m-1', now)),
  })
  await passes(1)
  t.type(claim()?.metadata.annotations?.['autoscaler.vpsie.com/baseline'], 'string')
  await passes(1)
  t.equal(claim()?.metadata.annotations?.['autoscaler.vpsie.com/baseline'], undefined)
})

t.test('an identifier that only the reply tells is kept for the deletion', async (t) => {
  const { passes, claim, machines, store, key, calls } = machinePass(t, {
    order(list, now) {
      list.push({ numericID: 7, identity: '7', role: 'worker', addresses: [], createdAt: now })
      return { uuid: 'told' }
    },
  })
  await passes(2)
  t.match(claim(), { spec: { vpsieNodeIdentifier: 'told', vpsieInstanceID: 7 } })
  store.delete(resources.vpsieNodes, key)
  await passes(1)
  t.strictSame(calls.deleted, ['told'])
  machines.length = 0
  await passes(4)
  t.equal(claim(), undefined)
})

t.test('a machine that a reply named and no list shows is deleted with its claim', async (t) => {
  const { passes, claim, store, key, calls } = machinePass(t, { order: () => ({ uuid: 'unseen' }) })
  await passes(2)
  store.delete(resources.vpsieNodes, key)
  await passes(40)
  t.equal(claim(), undefined)
  t.strictSame(calls.deleted, ['unseen'])
})

t.test('a conflict on the way to an order costs one pass, not the settle time', async (t) => {
  let patches = 0
  const { passes, calls, claim } = machinePass(t, {
    order: (machines, now) => void machines.push(machine('m-1', now)),
    before({ verb, plural }) {
      if (verb !== 'patch' || plural !== 'vpsienodes' || ++patches !== 2) return
      throw new TerminalError('it has changed', { code: 'Conflict' })
    },
  })
  await passes(3)
  t.equal(calls.orders, 1)
  t.equal(claim()?.spec.vpsieNodeIdentifier, 'm-1')
})

for (const [name, held] of [
  ['everything is paused', 'paused'],
  ['its NodeGroup has dryRun', 'dryRun'],
] as const) {
  t.test(`nothing is ordered, drained or deleted while ${name}`, async (t) => {
    const { passes, calls, claim, store, key } = machinePass(t, {
      nodeGroup: nodeGroup('workers', { spec: { dryRun: held === 'dryRun' } }),
    })
    if (held === 'paused')
      store.create(resources.autoscalerConfigs, autoscalerConfig({ globalSettings: { paused: true } }))
    await passes(3)
    store.delete(resources.vpsieNodes, key)
    await passes(3)
    t.equal(calls.orders, 0)
    t.ok(claim(), 'the deleted claim waits, too')
  })
}

t.test('a claim whose refusal was written down and not carried out is deleted', async (t) => {
  const { passes, claim, setClaim, calls } = machinePass(t)
  setClaim({ status: { phase: 'Failed', lastError: 'refused' } })
  await passes(2)
  t.equal(claim(), undefined)
  t.equal(calls.orders, 0)
})

t.test('a claim whose machine was written down, and not its phase, goes on', async (t) => {
  const { passes, claim, setClaim } = machinePass(t)
  setClaim({ spec: { vpsieNodeIdentifier: 'm-1' }, status: { phase: 'Provisioning' } })
  await passes(1)
  t.match(claim()?.status, { phase: 'Provisioned', provisionedAt: String })
})

t.test('a leaving claim learns the host name of its machine', async (t) => {
  const { passes, claim, store, key } = machinePass(t, {
    order(list, now) {
      list.push({ identity: 'slave-1', hostname: 'Slave-1', role: 'worker', addresses: [], createdAt: now })
      throw lost()
    },
  })
  await passes(1)
  store.delete(resources.vpsieNodes, key)
  await passes(1)
  t.equal(claim()?.status?.hostname, 'Slave-1')
})

t.test('pools are asked for once a pass, however many claims are ordered', async (t) => {
  const { passes, calls, store, key, claim } = machinePass(t)
  for (const name of ['workers-2', 'workers-3'])
    store.create(resources.vpsieNodes, { ...(claim() as VPSieNode), metadata: { ...key, name } })
  await passes(1)
  t.equal(calls.orders, 3)
  t.equal(calls.poolLists, 1)
})

t.test('a cluster without claims is listed, since somebody may own machines there', async (t) => {
  const { passes, calls, store, key, claim } = machinePass(t)
  store.patch(resources.vpsieNodes, key, { metadata: { finalizers: null } })
  store.delete(resources.vpsieNodes, key)
  t.equal(claim(), undefined)
  await passes(1)
  t.strictSame(calls.listed, ['cluster-1'])
})

t.test('a machine that VPSie put into another pool than ordered is told', async (t) => {
  const { passes, events, claim } = machinePass(t, {
    order(machines, now) {
      machines.push({ ...machine('m-1', now), poolID: 702 })
      return { uuid: 'm-1' }
    },
  })
  await passes(2)
  t.equal(claim()?.spec.vpsieNodeIdentifier, 'm-1')
  t.ok(events.includes('WrongPool'))
})

t.test("NodeGroups that share a pool never take each other's machine", async (t) => {
  const { passes, store, claim } = machinePass(t, {
    order: (machines, now) => void machines.push(machine(`m-${machines.length}`, now)),
  })
  const others = store.create(resources.nodeGroups, nodeGroup('others'))
  const wanted = { offering: 'small', datacenterID: 'dc-1', reason: 'ScaleUp' }
  store.create(resources.vpsieNodes, newClaim(others, 'others-1', wanted))
  await passes(3)
  const other = store.get(resources.vpsieNodes, { namespace: 'kube-system', name: 'others-1' })
  t.strictSame([claim()?.spec.vpsieNodeIdentifier, other.spec.vpsieNodeIdentifier].sort(), ['m-0', 'm-1'])
  t.equal(claim()?.spec.vpsieGroupID, other.spec.vpsieGroupID)
})

t.test('a machine that was seen and not yet adopted stays for the order that made it', async (t) => {
  let isRefused = false
  const { passes, machines, claim, store } = machinePass(t, {
    before({ verb, plural, name }) {
      if (isRefused && verb === 'patch' && plural === 'vpsienodes' && name === 'workers-1')
        throw new TerminalError('it has changed', { code: 'Conflict' })
    },
  })
  await passes(1)
  machines.push(machine('m-1', virtualClock().now() + minute))
  isRefused = true
  await passes(1)
  isRefused = false
  // A late list lacks it, and meanwhile the next machine is ordered.
  machines.length = 0
  const group = store.get(resources.nodeGroups, { namespace: 'kube-system', name: 'workers' })
  const wanted = { offering: 'small', datacenterID: 'dc-1', reason: 'ScaleUp' }
  store.create(resources.vpsieNodes, newClaim(group, 'workers-2', wanted))
  await passes(1)
  machines.push(machine('m-1', virtualClock().now() + minute))
  await passes(1)
  t.equal(claim()?.spec.vpsieNodeIdentifier, 'm-1')
})

for (const [limit, spec] of [
  ['maxNodes', { maxNodes: 2 }],
  ['maxMonthlyCost', { maxMonthlyCost: 40 }],
] as const) {
  t.test(`of claims that two leaders made together none is ordered beyond ${limit}`, async (t) => {
    const { passes, calls, store, events } = machinePass(t, { nodeGroup: nodeGroup('workers', { spec }) })
    const group = store.get(resources.nodeGroups, { namespace: 'kube-system', name: 'workers' })
    const wanted = { offering: 'small', datacenterID: 'dc-1', reason: 'ScaleUp' }
    for (const name of ['workers-2', 'workers-3'])
      store.create(resources.vpsieNodes, newClaim(group, name, wanted))
    await passes(3)
    t.equal(calls.orders, 2)
    t.equal(store.find(resources.vpsieNodes, { namespace: 'kube-system', name: 'workers-3' }), undefined)
    t.ok(events.includes('SurplusVPSieNode'))
  })
}
