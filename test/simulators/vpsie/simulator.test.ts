import t from 'tap'
import { virtualClock } from '../../fixtures/clock.ts'
import { clientFixture } from '../../fixtures/vpsie-client.ts'

t.test('machines run and vanish when the clock says so, and listeners hear of it once', async (t) => {
  const clock = virtualClock()
  const { sim } = await clientFixture(t, { sim: { clock, bootMs: 60_000, deleteMs: 5_000 } })
  const heard: string[] = []
  sim.onMachineRunning(({ identifier }) => heard.push(`running ${identifier}`))
  const silence = sim.onMachineDeleted(({ identifier }) => heard.push(`deleted ${identifier}`))
  const machine = sim.orderMachine()
  await clock.advance(59_999)
  t.strictSame(heard, [])
  await clock.advance(1)
  t.strictSame(heard, [`running ${machine.identifier}`])
  sim.deleteMachine(machine)
  await clock.advance(5_000)
  t.equal(heard.at(-1), `deleted ${machine.identifier}`)
  silence()
  sim.deleteMachine(sim.orderMachine())
  await clock.advance(5_000)
  t.equal(heard.length, 2)
})

t.test('a machine without boot time runs at once', async (t) => {
  const { sim } = await clientFixture(t)
  t.equal(sim.orderMachine().state, 'running')
})

t.test('a machine ordered by hand is listed and belongs to no pool', async (t) => {
  const { client, sim, signal } = await clientFixture(t)
  const machine = sim.orderMachine({ sizeID: 13 })
  t.match(machine, { orderedBy: 'hand', poolID: undefined, size: { name: 'large' } })
  const listed = await client.listMachines('cluster-1', signal)
  t.ok(listed.some(({ uuid }) => uuid === machine.identifier))
})

t.test('a hidden machine is missing from lists until it is shown', async (t) => {
  const { client, sim, signal } = await clientFixture(t)
  const machine = sim.orderMachine()
  const count = async () => (await client.listMachines('cluster-1', signal)).length
  sim.faults.hide(machine)
  t.equal(await count(), 1)
  sim.faults.show(machine)
  t.equal(await count(), 2)
})

t.test('a list shrinks sharply and recovers', async (t) => {
  const { client, sim, signal } = await clientFixture(t)
  for (let i = 0; i < 9; i++) sim.orderMachine()
  const count = async () => (await client.listMachines('cluster-1', signal)).length
  sim.faults.shrinkLists(2)
  t.equal(await count(), 2)
  sim.faults.clear()
  t.equal(await count(), 10)
})

t.test('a held order is carried out at once and answered when released', async (t) => {
  const { client, sim, signal } = await clientFixture(t)
  await client.createPool('cluster-1', { name: 'p', sizeID: 11 }, signal)
  const planted = sim.faults.next('addWorker', { kind: 'hold' })
  const order = client.addWorker('cluster-1', 701, signal)
  while (planted.hits === 0) await new Promise((resolve) => setImmediate(resolve))
  t.equal(sim.machines.at(-1)?.orderedBy, 'api')
  planted.release()
  t.strictSame(await order, {})
})

t.test('a fault meets the chosen requests only, as often as planted', async (t) => {
  const { client, sim, signal } = await clientFixture(t, { flags: ['--vpsie-attempts', '1'] })
  const planted = sim.faults.next('listPools', { kind: 'status', status: 500 }, 2)
  await client.listMachines('cluster-1', signal)
  t.equal(planted.hits, 0)
  for (let i = 0; i < 2; i++) await t.rejects(client.listPools('cluster-1', signal), { code: 'ServerError' })
  await client.listPools('cluster-1', signal)
  t.strictSame(
    sim.requests
      .filter(({ fault }) => fault !== undefined)
      .map(({ operation, status }) => [operation, status]),
    [
      ['listPools', 500],
      ['listPools', 500],
    ],
  )
})

t.test('the log of requests holds no secret', async (t) => {
  const { client, sim, signal } = await clientFixture(t)
  await client.listPools('cluster-1', signal)
  const text = JSON.stringify(sim.requests)
  const { clientId, clientSecret, token } = sim.credentials
  t.equal(sim.requests.length, 2)
  t.notOk([clientId, clientSecret, token, ...sim.auth.issuedTokens()].some((secret) => text.includes(secret)))
})

t.test('a token ends after its life, by the clock of the cloud', async (t) => {
  const clock = virtualClock()
  const { client, sim, signal } = await clientFixture(t, { sim: { clock, tokenLifeMs: 1000 } })
  await client.listPools('cluster-1', signal)
  await clock.advance(1000)
  await client.listPools('cluster-1', signal)
  t.equal(sim.auth.logins, 2)
})

t.test('a pool that was deleted is no longer among the pools, and its size is free again', async (t) => {
  const { client, sim, signal } = await clientFixture(t)
  await client.createPool('cluster-1', { name: 'p', sizeID: 11 }, signal)
  const [pool] = sim.pools
  if (pool) pool.deleted = true
  t.strictSame(await client.listPools('cluster-1', signal), [])
  await client.createPool('cluster-1', { name: 'p', sizeID: 11 }, signal)
  t.equal((await client.listPools('cluster-1', signal)).length, 1)
})
