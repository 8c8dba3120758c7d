import t from 'tap'
import { codeOf, TerminalError, TransientError } from '../../../common/errors.ts'
import { clientFixture } from '../../fixtures/vpsie-client.ts'
import { type Fault, refusalMessages } from '../../simulators/vpsie/faults.ts'

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

/** What an order's error must tell, for each way it can go wrong. `made` is the truth in the cloud. */
const cases: {
  name: string
  fault: Fault
  code: string
  told: 'refused' | 'notSent' | 'unknown'
  made: 0 | 1
}[] = [
  {
    name: 'a server error',
    fault: { kind: 'status', status: 500 },
    code: 'ServerError',
    told: 'unknown',
    made: 0,
  },
  {
    name: 'a bad gateway',
    fault: { kind: 'status', status: 502, body: '<html>' },
    code: 'ServerError',
    told: 'unknown',
    made: 0,
  },
  {
    name: 'a connection that breaks after the machine was made',
    fault: { kind: 'resetAfter' },
    code: 'Unreachable',
    told: 'unknown',
    made: 1,
  },
  {
    name: 'a connection that breaks before',
    fault: { kind: 'resetBefore' },
    code: 'Unreachable',
    told: 'unknown',
    made: 0,
  },
  { name: 'no answer in time', fault: { kind: 'hang' }, code: 'Timeout', told: 'unknown', made: 0 },
  { name: 'an answer that is held back', fault: { kind: 'hold' }, code: 'Timeout', told: 'unknown', made: 1 },
  {
    name: 'an answer that is no JSON',
    fault: { kind: 'body', body: '{"error":fal' },
    code: 'BadReply',
    told: 'unknown',
    made: 1,
  },
  {
    name: 'an identity of the wrong form',
    fault: { kind: 'data', data: { id: 'x' } },
    code: 'BadReply',
    told: 'unknown',
    made: 1,
  },
  {
    name: 'a redirect',
    fault: { kind: 'status', status: 302, body: '', headers: { location: '/' } },
    code: 'BadReply',
    told: 'unknown',
    made: 0,
  },
  {
    name: 'being throttled',
    fault: { kind: 'status', status: 429 },
    code: 'Throttled',
    told: 'notSent',
    made: 0,
  },
  {
    name: 'a plan limit with HTTP 500',
    fault: { kind: 'status', status: 500, message: refusalMessages.quota },
    code: 'Quota',
    told: 'refused',
    made: 0,
  },
  {
    name: 'a refusal with HTTP 200',
    fault: { kind: 'errorTrue', message: refusalMessages.lost },
    code: 'Refused',
    told: 'refused',
    made: 0,
  },
  {
    name: 'a server error with HTTP 200',
    fault: { kind: 'errorTrue', message: 'oops', code: 500 },
    code: 'ServerError',
    told: 'unknown',
    made: 0,
  },
  {
    name: 'an empty account',
    fault: { kind: 'status', status: 402 },
    code: 'InsufficientFunds',
    told: 'refused',
    made: 0,
  },
]

for (const { name, fault, code, told, made } of cases) {
  t.test(`an order that meets ${name} is sent once and is ${told}`, async (t) => {
    // Only where no answer comes is the time-out waited for; a busy machine may need long for one that does.
    const isAwaited = fault.kind === 'hang' || fault.kind === 'hold'
    const flags = ['--vpsie-timeout', isAwaited ? '500ms' : '20s']
    const { client, sim, signal, count } = await clientFixture(t, { flags })
    await client.createPool('cluster-1', { name: 'p', sizeID: 12 }, signal)
    sim.faults.next('addWorker', fault)
    const error = await failureOf(client.addWorker('cluster-1', 701, signal))
    t.equal(codeOf(error), code)
    t.equal(
      error instanceof TerminalError ? 'refused' : error instanceof TransientError ? error.outcome : error,
      told,
    )
    t.equal(count('addWorker'), 1)
    t.equal(sim.machines.filter(({ orderedBy }) => orderedBy === 'api').length, made)
  })
}

t.test('an order hands back the identity that VPSie tells, or nothing', async (t) => {
  for (const identityInReply of [true, false]) {
    const { client, sim, signal } = await clientFixture(t, { sim: { identityInReply } })
    await client.createPool('cluster-1', { name: 'p', sizeID: 12 }, signal)
    const hint = await client.addWorker('cluster-1', 701, signal)
    const made = sim.machines.at(-1)
    t.same(
      hint,
      identityInReply ? { uuid: made?.identifier, numericID: made?.id, hostname: made?.hostname } : {},
    )
  }
})

t.test('an order to a VPSie that refuses connections was not sent', async (t) => {
  const { client, sim, signal } = await clientFixture(t, { login: 'token' })
  await sim.stop()
  const error = await failureOf(client.addWorker('cluster-1', 701, signal))
  t.match(error, { code: 'Unreachable', outcome: 'notSent' })
})

t.test('an order to a VPSie with an unknown certificate was not sent', async (t) => {
  const { client, sim, signal } = await clientFixture(t, { login: 'token', flags: ['--vpsie-ca-file', ''] })
  const error = await failureOf(client.addWorker('cluster-1', 701, signal))
  t.match(error, { code: 'Unreachable', outcome: 'notSent' })
  t.equal(sim.requests.length, 0)
})

t.test('an order whose log-in fails was not sent, and says why', async (t) => {
  const { client, sim, signal, count } = await clientFixture(t, { flags: ['--vpsie-attempts', '1'] })
  sim.faults.next('authenticate', { kind: 'status', status: 503 })
  const error = await failureOf(client.addWorker('cluster-1', 701, signal))
  t.match(error, { code: 'ServerError', outcome: 'notSent', message: 'addWorker was not sent to VPSie' })
  t.equal(count('addWorker'), 0)
})

t.test('an order with unreadable credentials was not sent', async (t) => {
  const { client, signal, use, count } = await clientFixture(t)
  use({ login: { kind: 'token', token: 'x' }, url: 'http://127.0.0.1' })
  t.match(await failureOf(client.addWorker('cluster-1', 701, signal)), {
    code: 'BadInput',
    outcome: 'notSent',
  })
  t.equal(count('addWorker'), 0)
})

t.test('an order that is given up after it was sent has an unknown outcome', async (t) => {
  const { client, sim, count } = await clientFixture(t)
  const planted = sim.faults.next('addWorker', { kind: 'hold' })
  await client.createPool('cluster-1', { name: 'p', sizeID: 12 }, new AbortController().signal)
  const stop = new AbortController()
  const order = failureOf(client.addWorker('cluster-1', 701, stop.signal))
  while (planted.hits === 0) await new Promise((resolve) => setImmediate(resolve))
  stop.abort()
  t.match(await order, { code: 'Timeout', outcome: 'unknown' })
  t.equal(count('addWorker'), 1)
})

t.test('an order that is given up before it was sent had no effect', async (t) => {
  const { client, signal, count } = await clientFixture(t)
  await client.createPool('cluster-1', { name: 'p', sizeID: 12 }, signal)
  t.match(await failureOf(client.addWorker('cluster-1', 701, AbortSignal.abort())), { outcome: 'notSent' })
  t.equal(count('addWorker'), 0)
})

t.test('an order with a revoked token is not repeated, but the next one logs in anew', async (t) => {
  const { client, sim, signal, count } = await clientFixture(t)
  await client.createPool('cluster-1', { name: 'p', sizeID: 12 }, signal)
  sim.auth.revokeIssued()
  t.match(await failureOf(client.addWorker('cluster-1', 701, signal)), {
    code: 'Unauthorized',
    outcome: 'notSent',
  })
  t.equal(count('addWorker'), 1)
  await client.addWorker('cluster-1', 701, signal)
  t.equal(sim.auth.logins, 2)
})

t.test('reduce is never called', async (t) => {
  const { client, sim, signal } = await clientFixture(t)
  await client.createPool('cluster-1', { name: 'p', sizeID: 12 }, signal)
  await client.addWorker('cluster-1', 701, signal)
  const identifier = sim.machines.at(-1)?.identifier ?? ''
  await client.deleteWorker('cluster-1', identifier, signal)
  t.equal(sim.machines.at(-1)?.state, 'deleted')
  t.equal(sim.cloud.reduceCalls, 0)
})

t.test('an order opens a connection of its own, while lists share one', async (t) => {
  const { client, sim, signal } = await clientFixture(t, { login: 'token' })
  await client.createPool('cluster-1', { name: 'p', sizeID: 12 }, signal)
  await client.listPools('cluster-1', signal)
  await client.addWorker('cluster-1', 701, signal)
  await client.listPools('cluster-1', signal)
  const ports = (operation: string) =>
    sim.requests.filter((request) => request.operation === operation).map(({ clientPort }) => clientPort)
  t.equal(new Set(ports('listPools')).size, 1)
  t.notOk(ports('listPools').includes(ports('addWorker')[0]))
})
