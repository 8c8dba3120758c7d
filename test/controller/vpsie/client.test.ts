import t from 'tap'
import { codeOf } from '../../../common/errors.ts'
import { clientFixture } from '../../fixtures/vpsie-client.ts'
import { type Fault, refusalMessages } from '../../simulators/vpsie/faults.ts'

for (const dialect of ['v2', 'apps-v2'] as const) {
  t.test(`a machine's life in dialect ${dialect}: offer, pool, order, list, delete`, async (t) => {
    const { client, sim, signal } = await clientFixture(t, { sim: { dialect, identityInReply: true } })
    const offers = await client.listOffers('dc-1', signal)
    const medium = offers.find(({ name }) => name === 'medium')
    t.match(medium, { id: 12, cpu: 4, memoryMB: 8192, diskGB: 100, monthlyPrice: 38, datacenterID: 'dc-1' })
    await client.createPool('cluster-1', { name: 'size-medium', sizeID: 12 }, signal)
    const [pool] = await client.listPools('cluster-1', signal)
    t.match(pool, { name: 'size-medium', sizeID: 12, nodeCount: 0, datacenterID: 'dc-1' })
    const { uuid = '' } = await client.addWorker('cluster-1', pool?.id ?? 0, signal)
    const machines = await client.listMachines('cluster-1', signal)
    t.strictSame(
      machines.map(({ role }) => role),
      ['controlPlane', 'worker'],
    )
    await client.deleteWorker('cluster-1', uuid, signal)
    t.equal((await client.listMachines('cluster-1', signal)).length, 1)
    t.equal(sim.machines.at(-1)?.state, 'deleted')
  })
}

t.test('a size that the rows do not tell follows from the only pool of the same shape', async (t) => {
  const { client, sim, signal } = await clientFixture(t)
  await client.createPool('cluster-1', { name: 'p', sizeID: 12 }, signal)
  await client.addWorker('cluster-1', 701, signal)
  sim.orderMachine({ sizeID: 13 })
  const [, medium, large] = await client.listMachines('cluster-1', signal)
  t.match(medium, { sizeID: 12, poolID: 701 })
  t.equal(large?.sizeID, undefined)
})

t.test('deleting a machine that is already gone is a success', async (t) => {
  const { client, signal } = await clientFixture(t)
  await client.deleteWorker('cluster-1', 'never-was', signal)
})

t.test('how far the clock of VPSie is ahead is known from its last reply', async (t) => {
  const { client, sim, signal, read } = await clientFixture(t)
  const none = { error: false, data: [], total: 0 }
  t.equal(client.clockOffsetMs, undefined)
  for (const aheadMs of [0, 180_000, -7_200_000]) {
    const headers = { date: new Date(Date.now() + aheadMs).toUTCString() }
    sim.faults.next('listVMs', { kind: 'status', status: 200, body: JSON.stringify(none), headers })
    await client.listVMs('project-1', signal)
    const offsetMs = client.clockOffsetMs ?? Number.NaN
    t.ok(Math.abs(offsetMs - aheadMs) < 5_000, `${offsetMs}`)
    t.equal(await read('vpsie_api_clock_offset_seconds'), offsetMs / 1000)
  }
  sim.faults.next('listVMs', {
    kind: 'status',
    status: 200,
    body: JSON.stringify(none),
    headers: { date: 'x' },
  })
  await client.listVMs('project-1', signal)
  t.ok(Math.abs((client.clockOffsetMs ?? 0) + 7_200_000) < 5_000, 'a date that is none says nothing')
})

const passing: { name: string; fault: Fault }[] = [
  { name: 'a server error', fault: { kind: 'status', status: 500 } },
  { name: 'a bad gateway', fault: { kind: 'status', status: 502, body: '<html>' } },
  { name: 'a broken connection', fault: { kind: 'resetBefore' } },
  { name: 'no answer in time', fault: { kind: 'hang' } },
  { name: 'being throttled', fault: { kind: 'status', status: 429, headers: { 'retry-after': '0' } } },
]

for (const { name, fault } of passing) {
  t.test(`a list that meets ${name} is asked for again`, async (t) => {
    const { client, sim, signal, count, read } = await clientFixture(t, {
      flags: ['--vpsie-timeout', fault.kind === 'hang' ? '500ms' : '20s'],
    })
    sim.faults.next('listMachines', fault, 2)
    t.equal((await client.listMachines('cluster-1', signal)).length, 1)
    t.equal(count('listMachines'), 3)
    t.equal(await read('vpsie_api_retries_total', { method: 'listMachines' }), 2)
  })
}

t.test('a deletion is repeated, because it names the machine', async (t) => {
  const { client, sim, signal, count } = await clientFixture(t)
  const machine = sim.orderMachine()
  sim.faults.next('deleteWorker', { kind: 'resetAfter' })
  await client.deleteWorker('cluster-1', machine.identifier, signal)
  t.equal(count('deleteWorker'), 2)
  t.equal(machine.state, 'deleted')
})

const final: { name: string; fault: Fault; code: string }[] = [
  {
    name: 'HTTP 200 with error: true',
    fault: { kind: 'errorTrue', message: refusalMessages.invalidParameters },
    code: 'Invalid',
  },
  { name: 'HTTP 404', fault: { kind: 'status', status: 404 }, code: 'NotFound' },
  { name: 'HTTP 403', fault: { kind: 'status', status: 403 }, code: 'Forbidden' },
  { name: 'JSON cut short', fault: { kind: 'body', body: '{"data":{"nodes":[' }, code: 'BadReply' },
  { name: 'no body', fault: { kind: 'status', status: 204, body: '' }, code: 'BadReply' },
  { name: 'a page instead of JSON', fault: { kind: 'body', body: '<html>' }, code: 'BadReply' },
]

for (const { name, fault, code } of final) {
  t.test(`a list answered by ${name} fails at once with ${code}`, async (t) => {
    const { client, sim, signal, count, read } = await clientFixture(t)
    sim.faults.next('listMachines', fault)
    const error = await client.listMachines('cluster-1', signal).catch((failure: unknown) => failure)
    t.equal(codeOf(error), code)
    t.equal(count('listMachines'), 1)
    t.equal(await read('vpsie_api_errors_total', { method: 'listMachines', error_type: code }), 1)
  })
}

t.test('a malformed reply is an error that names the field, and is counted', async (t) => {
  const { client, sim, signal, read } = await clientFixture(t)
  const row = { id: 1, name: 'a', cpu: 'many', ram: 1, disk: 1, price: 1 }
  sim.faults.next('listOffers', { kind: 'data', data: [{ ...row, cpu: 1 }, row] })
  await t.rejects(client.listOffers('dc-1', signal), { code: 'BadReply', message: /data\[1\]\.cpu/ })
  t.equal(await read('vpsie_api_malformed_replies_total', { method: 'listOffers' }), 1)
})

t.test('a reply that is too long is cut off', async (t) => {
  const { client, sim, signal } = await clientFixture(t, { flags: ['--vpsie-max-reply-bytes', '1024'] })
  sim.faults.next('listPools', { kind: 'body', body: `"${'x'.repeat(2000)}"` })
  await t.rejects(client.listPools('cluster-1', signal), {
    code: 'BadReply',
    message: /longer than 1024 bytes/,
  })
})

t.test('a list that is given up ends with the reason of the signal and is not asked for again', async (t) => {
  const { client, sim, count } = await clientFixture(t)
  const planted = sim.faults.next('listMachines', { kind: 'hang' })
  const stop = new AbortController()
  const list = client.listMachines('cluster-1', stop.signal).catch((error: unknown) => error)
  while (planted.hits === 0) await new Promise((resolve) => setImmediate(resolve))
  const reason = new Error('shutting down')
  stop.abort(reason)
  t.equal(await list, reason)
  t.equal(count('listMachines'), 1)
})

t.test('requests and their time are counted by operation and status', async (t) => {
  const { client, signal, read } = await clientFixture(t)
  await client.listPools('cluster-1', signal)
  t.equal(await read('vpsie_api_requests_total', { method: 'authenticate', status: '200' }), 1)
  t.equal(await read('vpsie_api_requests_total', { method: 'listPools', status: '200' }), 1)
  t.equal(await read('credential_valid'), 1)
})

t.test('a CA file that is none is refused when the client is made', async (t) => {
  const file = `${t.testdir({ 'ca.crt': 'not a certificate' })}/ca.crt`
  await t.rejects(clientFixture(t, { flags: ['--vpsie-ca-file', file] }), {
    name: 'InputError',
    path: '--vpsie-ca-file',
  })
})

t.test('where two pools have the same shape, the size of a machine stays unknown', async (t) => {
  const shape = { cpu: 2, memoryMB: 4096, diskGB: 50, monthlyPrice: 20 }
  const sizes = [11, 12].map((id) => ({ id, identifier: `size-${id}`, name: `size-${id}`, ...shape }))
  const { client, signal } = await clientFixture(t, { sim: { sizes } })
  for (const sizeID of [11, 12]) await client.createPool('cluster-1', { name: `p${sizeID}`, sizeID }, signal)
  await client.addWorker('cluster-1', 701, signal)
  const [, worker] = await client.listMachines('cluster-1', signal)
  t.equal(worker?.role, 'worker')
  t.equal(worker?.sizeID, undefined)
})

t.test('all pages of a list are read', async (t) => {
  const { client, signal, count } = await clientFixture(t, { sim: { perPage: 2 } })
  for (const sizeID of [11, 12, 13])
    await client.createPool('cluster-1', { name: `p${sizeID}`, sizeID }, signal)
  t.strictSame(
    (await client.listPools('cluster-1', signal)).map(({ sizeID }) => sizeID),
    [11, 12, 13],
  )
  t.equal(count('listPools'), 2)
  t.equal((await client.listOffers('dc-1', signal)).length, 4)
})

t.test('half a list does not pass for the whole', async (t) => {
  const { client, sim, signal } = await clientFixture(t, { sim: { perPage: 1 } })
  for (const sizeID of [11, 12]) await client.createPool('cluster-1', { name: `p${sizeID}`, sizeID }, signal)
  const first = { error: false, data: [], pagination: { current_page: 1, total_pages: 2 } }
  sim.faults.next('listPools', { kind: 'body', body: JSON.stringify(first) }, 2)
  await t.rejects(client.listPools('cluster-1', signal), {
    code: 'BadReply',
    message: /pagination.current_page: must be 2/,
  })
  const endless = { ...first, pagination: { current_page: 1, total_pages: 5000 } }
  sim.faults.next('listPools', { kind: 'body', body: JSON.stringify(endless) })
  await t.rejects(client.listPools('cluster-1', signal), { message: /total_pages: must be at most 200/ })
})

for (const dialect of ['v2', 'apps-v2'] as const) {
  t.test(`a plain VPS's life in dialect ${dialect}: order, list, delete`, async (t) => {
    const { client, sim, signal } = await clientFixture(t, { sim: { dialect } })
    const [, medium] = sim.cloud.catalog.sizes
    const order = {
      hostname: 'edge-0a1b2c3d',
      projectID: '71128',
      datacenterID: 'dc-1',
      sizeIdentifier: medium?.identifier ?? '',
      osImageID: 'ubuntu-24.04',
      sshKeyIDs: ['key-1'],
      tags: ['edge'],
      notes: '',
      userData: '#cloud-config\n',
      secrets: [],
    }
    t.strictSame(await client.createVM(order, signal), {})
    const [vm] = await client.listVMs('71128', signal)
    t.match(vm, { hostname: 'edge-0a1b2c3d', role: 'worker', sizeID: 12, uuid: String, numericID: Number })
    t.equal(sim.machines.at(-1)?.userData, '#cloud-config\n')
    t.equal((await client.listMachines('cluster-1', signal)).length, 1, 'it is no worker of the cluster')
    await client.deleteVM(vm ?? {}, signal)
    await client.deleteVM(vm ?? {}, signal)
    t.strictSame(await client.listVMs('71128', signal), [])
  })
}

t.test('a plain VPS is deleted only by an identifier that the dialect takes', async (t) => {
  const { client, signal, count } = await clientFixture(t, { sim: { dialect: 'apps-v2' } })
  await t.rejects(client.deleteVM({ numericID: 7 }, signal), { message: /needs another identifier/ })
  t.equal(count('deleteVM'), 0)
})
