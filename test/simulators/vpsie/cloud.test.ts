import fc from 'fast-check'
import t from 'tap'
import { defaultCatalog } from './catalog.ts'
import { Cloud } from './cloud.ts'
import { Refusal } from './model.ts'

const make = (over: { quota?: number } = {}) =>
  new Cloud({ catalog: defaultCatalog, bootMs: 1000, deleteMs: 500, quota: Infinity, ...over }, 0)

t.test('a cluster has its control plane running at start', async (t) => {
  const [master, ...rest] = make().machinesOf('cluster-1')
  t.match(master, { role: 'master', state: 'running', runningAt: 0 })
  t.equal(rest.length, 0)
})

t.test('a machine is built, runs, is deleted and gone, each at its time', async (t) => {
  const cloud = make()
  const pool = cloud.addPool('cluster-1', 'p', 12, 0)
  const machine = cloud.order('cluster-1', { poolID: pool.id }, 100)
  t.match(machine, { state: 'building', size: { name: 'medium' }, orderedBy: 'api' })
  t.equal(cloud.nextAt(), 1100)
  t.strictSame(cloud.step(1099), { running: [], deleted: [] })
  t.strictSame(cloud.step(1100).running, [machine])
  cloud.delete('cluster-1', machine.identifier, 2000)
  t.equal(cloud.nextAt(), 2500)
  t.equal(cloud.machinesOf('cluster-1').length, 2, 'it is listed while it is deleted')
  t.strictSame(cloud.step(2500).deleted, [machine])
  t.equal(cloud.machinesOf('cluster-1').length, 1)
  t.equal(cloud.nextAt(), undefined)
})

const refused: { name: string; act: (cloud: Cloud) => unknown; status: number; message: RegExp }[] = [
  {
    name: 'a second pool of a size',
    act: (cloud) => cloud.addPool('cluster-1', 'again', 11, 0),
    status: 400,
    message: /^Group first has same selected Size/,
  },
  {
    name: 'a worker beyond the limit of the plan',
    act: (cloud) => cloud.order('cluster-1', { poolID: 701 }, 0),
    status: 500,
    message: /^Worker nodes count exceeds the allowed limit 0$/,
  },
  {
    name: 'an unknown pool',
    act: (cloud) => cloud.order('cluster-1', { poolID: 1 }, 0),
    status: 404,
    message: /not found/,
  },
  {
    name: 'an unknown cluster',
    act: (cloud) => cloud.order('other', { sizeID: 11 }, 0),
    status: 404,
    message: /not found/,
  },
  {
    name: 'deleting an unknown machine',
    act: (cloud) => cloud.delete('cluster-1', 'x', 0),
    status: 404,
    message: /not found/,
  },
]

for (const { name, act, status, message } of refused) {
  t.test(`the cloud refuses ${name}`, async (t) => {
    const cloud = make({ quota: 0 })
    cloud.addPool('cluster-1', 'first', 11, 0)
    t.throws(() => act(cloud), { status, message })
    t.equal(cloud.machines.length, 1)
  })
}

t.test('a size out of stock is refused, others are not', async (t) => {
  const cloud = make()
  cloud.outOfStock.add(11)
  t.throws(() => cloud.order('cluster-1', { sizeID: 11 }, 0), { message: /No capacity/ })
  cloud.order('cluster-1', { sizeID: 12 }, 0)
})

t.test('reduce deletes the newest worker and is counted', async (t) => {
  const cloud = make()
  const older = cloud.order('cluster-1', { sizeID: 11 }, 0)
  const newest = cloud.order('cluster-1', { sizeID: 11 }, 1)
  cloud.reduce('cluster-1', 2)
  t.strictSame([older.state, newest.state], ['building', 'deleting'])
  t.equal(cloud.reduceCalls, 1)
})

t.test('whatever is asked, identities are unique, the quota holds and a size has one pool', async () => {
  const act = fc.record({ what: fc.constantFrom('pool', 'order', 'delete', 'wait'), n: fc.nat(9) })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 50 }), (acts) => {
      const cloud = make({ quota: 4 })
      let now = 0
      for (const { what, n } of acts) {
        try {
          if (what === 'pool') cloud.addPool('cluster-1', `p${n}`, 11 + (n % 4), now)
          else if (what === 'order') cloud.order('cluster-1', { poolID: 701 + (n % 4) }, now)
          else if (what === 'delete') cloud.delete('cluster-1', cloud.machines[n]?.identifier ?? '', now)
          else {
            now += n * 200
            cloud.step(now)
          }
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
        }
        const { machines } = cloud
        const workers = cloud.machinesOf('cluster-1').filter(({ role }) => role === 'slave')
        if (workers.length > 4) throw new Error('too many workers')
        const sizes = cloud.poolsOf('cluster-1').map(({ size }) => size.id)
        if (new Set(sizes).size !== sizes.length) throw new Error('two pools of a size')
        for (const key of ['id', 'identifier', 'hostname', 'address'] as const) {
          if (new Set(machines.map((machine) => machine[key])).size !== machines.length)
            throw new Error(`${key} twice`)
        }
      }
    }),
  )
})
