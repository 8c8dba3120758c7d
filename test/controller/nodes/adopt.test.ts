import t from 'tap'
import { adopt, type WaitingClaim } from '../../../controller/nodes/adopt.ts'
import { baselineOf } from '../../../controller/nodes/baseline.ts'
import type { Machine } from '../../../controller/vpsie/provider.ts'

const orderedAt = 10_000_000

function waiting(key: string, over: Partial<WaitingClaim> = {}): WaitingClaim {
  return {
    key,
    requestedAt: orderedAt,
    leaving: false,
    accepted: true,
    baseline: baselineOf([]),
    sizeID: 11,
    poolID: 701,
    hint: {},
    ...over,
  }
}

function machine(identity: string, over: Partial<Machine> = {}): Machine {
  return { identity, uuid: identity, role: 'worker', addresses: [], ...over }
}

const cases: {
  name: string
  claims: WaitingClaim[]
  machines: Machine[]
  owned?: string[]
  gives: string
}[] = [
  { name: 'a new machine', claims: [waiting('a')], machines: [machine('m')], gives: 'a=m' },
  {
    name: 'no machine that a claim owns',
    claims: [waiting('a')],
    machines: [machine('m')],
    owned: ['m'],
    gives: '',
  },
  {
    name: 'no machine that an open order has seen before',
    claims: [waiting('a'), waiting('b', { baseline: baselineOf(['m']) })],
    machines: [machine('m')],
    gives: '',
  },
  {
    name: 'no machine of the control plane',
    claims: [waiting('a')],
    machines: [machine('m', { role: 'controlPlane' })],
    gives: '',
  },
  {
    name: 'no machine on its way out',
    claims: [waiting('a')],
    machines: [machine('m', { status: 'deleting' })],
    gives: '',
  },
  {
    name: 'no machine of another size',
    claims: [waiting('a')],
    machines: [machine('m', { sizeID: 12 })],
    gives: '',
  },
  {
    name: 'no machine of another pool',
    claims: [waiting('a')],
    machines: [machine('m', { poolID: 702 })],
    gives: '',
  },
  {
    name: 'no machine that is much older than the order',
    claims: [waiting('a')],
    machines: [machine('m', { createdAt: orderedAt - 3_600_001 })],
    gives: '',
  },
  {
    name: 'a machine made a little earlier, because clocks differ',
    claims: [waiting('a')],
    machines: [machine('m', { createdAt: orderedAt - 1_800_000 })],
    gives: 'a=m',
  },
  {
    name: 'the oldest order first',
    claims: [waiting('b', { requestedAt: orderedAt + 1 }), waiting('a')],
    machines: [machine('m')],
    gives: 'a=m',
  },
  {
    name: 'an order that VPSie accepted before an older one it did not answer',
    claims: [waiting('a', { accepted: false }), waiting('b', { requestedAt: orderedAt + 1 })],
    machines: [machine('m')],
    gives: 'b=m',
  },
  {
    name: 'a claim that stays before an older one that leaves',
    claims: [waiting('a', { leaving: true }), waiting('b', { requestedAt: orderedAt + 1 })],
    machines: [machine('m')],
    gives: 'b=m',
  },
  {
    name: 'the machine that the reply named, and leaves it to nobody else',
    claims: [waiting('a'), waiting('b', { hint: { uuid: 'M' }, requestedAt: orderedAt + 1 })],
    machines: [machine('m')],
    gives: 'b=m',
  },
  {
    name: 'no other machine than the reply named',
    claims: [waiting('a', { hint: { uuid: 'other' } })],
    machines: [machine('m')],
    gives: '',
  },
  {
    name: 'a new machine, where lists show no identity of the kind that the reply told',
    claims: [waiting('a', { hint: { uuid: 'told' } })],
    machines: [{ identity: '7', numericID: 7, role: 'worker', addresses: [] }],
    gives: 'a=7',
  },
]

for (const { name, claims, machines, owned = [], gives } of cases) {
  t.test(`adopt() takes ${name}`, async (t) => {
    const found = adopt(claims, machines, new Set(owned))
    t.equal(found.map(({ key, machine }) => `${key}=${machine.identity}`).join(), gives)
  })
}
