import t, { type Test } from 'tap'
import type { VPSieNode } from '../../../common/api/vpsienode.ts'
import { TerminalError, TransientError } from '../../../common/errors.ts'
import { resources } from '../../../common/kube/resources.ts'
import { newClaim } from '../../../controller/nodes/claims.ts'
import { lookAfterMachines } from '../../../controller/nodes/lifecycle.ts'
import { createMemory } from '../../../controller/nodes/memory.ts'
import type { Machine } from '../../../controller/vpsie/provider.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { controllerDeps } from '../../fixtures/controller.ts'
import { type StoreClientOptions, storeOfOurs } from '../../fixtures/kube-client.ts'
import { nodeGroup } from '../../fixtures/objects.ts'

const signal = new AbortController().signal
const key = { namespace: 'kube-system', name: 'workers-1' }
const minute = 60_000

/** A group with one new claim, and a VPSie whose machines are in a list; `order` is what an order does there. */
function world(t: Test, order: (machines: Machine[], now: number) => void, hooks: StoreClientOptions = {}) {
  const clock = virtualClock()
  const store = storeOfOurs({ clock })
  const group = store.create(resources.nodeGroups, nodeGroup())
  const wanted = { offering: 'small', datacenterID: 'dc-1', reason: 'ScaleUp' }
  store.create(resources.vpsieNodes, newClaim(group, key.name, wanted))
  const machines: Machine[] = []
  let orders = 0
  const offer = {
    id: 11,
    name: 'small',
    cpu: 2,
    memoryMB: 4096,
    diskGB: 50,
    monthlyPrice: 20,
    datacenterID: 'dc-1',
  }
  const pool = { id: 701, identifier: 'pool', name: 'size-small', sizeID: 11, nodeCount: 0 }
  const base = controllerDeps(t, store, { clock, ...hooks })
  const deps = {
    ...base,
    offers: { ...base.offers, resolve: () => offer },
    provider: {
      ...base.provider,
      listMachines: async () => [...machines],
      listPools: async () => [pool],
      async addWorker() {
        orders++
        order(machines, clock.now())
        return {}
      },
      async deleteWorker(_: string, uuid: string) {
        machines.splice(
          machines.findIndex((machine) => machine.uuid === uuid),
          1,
        )
      },
    },
  }
  const memory = createMemory(clock)
  return {
    store,
    machines,
    orders: () => orders,
    claim: (): VPSieNode | undefined => store.find(resources.vpsieNodes, key),
    /** Passes, half a minute apart. */
    async passes(count: number) {
      for (let i = 0; i < count; i++) {
        await lookAfterMachines(deps, { listAll: true, memory }, signal)
        await clock.advance(minute / 2)
      }
    },
  }
}

function machine(uuid: string, createdAt: number): Machine {
  return { uuid, identity: uuid, role: 'worker', addresses: [], sizeID: 11, createdAt }
}

const lost = () => new TransientError('no reply', { code: 'Timeout' })

t.test('an order makes one machine, and its claim owns it', async (t) => {
  const { passes, claim, orders } = world(t, (machines, now) => machines.push(machine('m-1', now)))
  await passes(3)
  t.equal(orders(), 1)
  t.match(claim(), { spec: { vpsieNodeIdentifier: 'm-1' }, status: { phase: 'Provisioned' } })
})

t.test('an order whose reply was lost is not repeated when its machine turns up', async (t) => {
  const { passes, claim, orders } = world(t, (machines, now) => {
    machines.push(machine('m-1', now))
    throw lost()
  })
  await passes(60)
  t.equal(orders(), 1)
  t.equal(claim()?.spec.vpsieNodeIdentifier, 'm-1')
})

t.test('an order whose reply was lost is repeated only after the settle time', async (t) => {
  let isLost = true
  const { passes, claim, orders } = world(t, (machines, now) => {
    if (isLost) throw lost()
    machines.push(machine('m-2', now))
  })
  await passes(28)
  t.equal(orders(), 1, 'within 15 minutes it is not')
  isLost = false
  await passes(8)
  t.equal(orders(), 2)
  t.equal(claim()?.spec.vpsieNodeIdentifier, 'm-2')
})

t.test('a machine that somebody made by hand is neither adopted nor deleted', async (t) => {
  const { passes, claim, machines, store } = world(t, () => {
    throw lost()
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
  const { passes, claim, store, orders } = world(t, () => {
    throw new TerminalError('exceeds the allowed limit 5', { code: 'Quota' })
  })
  await passes(4)
  t.equal(orders(), 1)
  t.equal(claim(), undefined)
  const [backoff] =
    store.get(resources.nodeGroups, { namespace: 'kube-system', name: 'workers' }).status?.backoffs ?? []
  t.match(backoff, { offering: 'small', datacenterID: 'dc-1', failures: 1, reason: /allowed limit 5/ })
})

t.test('a late machine of a claim that was deleted meanwhile is found, and deleted with it', async (t) => {
  const { passes, claim, machines, store } = world(t, () => {
    throw lost()
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
        const { passes, machines, claim } = world(
          t,
          (list, now) => list.push(machine(`m-${list.length}`, now)),
          hooks,
        )
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
