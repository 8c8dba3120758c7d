import t from 'tap'
import { clientFixture } from '../../fixtures/vpsie-client.ts'

t.test('calls that need a token at the same time log in once', async (t) => {
  const { client, sim, signal } = await clientFixture(t)
  await Promise.all(Array.from({ length: 8 }, () => client.listPools('cluster-1', signal)))
  t.equal(sim.auth.logins, 1)
})

t.test('calls whose token is revoked under them log in once more, together', async (t) => {
  const { client, sim, signal, read } = await clientFixture(t)
  await client.listPools('cluster-1', signal)
  sim.auth.revokeIssued()
  await Promise.all(Array.from({ length: 8 }, () => client.listPools('cluster-1', signal)))
  t.equal(sim.auth.logins, 2)
  t.equal(await read('credential_valid'), 1)
})

t.test('a caller that gives up does not take the log-in away from the others', async (t) => {
  const { client, sim, signal } = await clientFixture(t)
  const planted = sim.faults.next('authenticate', { kind: 'hold' })
  const stop = new AbortController()
  const first = client.listPools('cluster-1', stop.signal).catch((error: unknown) => error)
  const second = client.listPools('cluster-1', signal)
  while (planted.hits === 0) await new Promise((resolve) => setImmediate(resolve))
  stop.abort('enough')
  t.equal(await first, 'enough')
  planted.release()
  t.strictSame(await second, [])
  t.equal(sim.auth.logins, 1)
})

t.test('a static token is sent as it is, in both headers', async (t) => {
  const { client, sim, signal } = await clientFixture(t, { login: 'token' })
  t.strictSame(await client.listPools('cluster-1', signal), [])
  t.equal(sim.auth.logins, 0)
})

t.test('a refused static token is final: there is nothing to log in with', async (t) => {
  const { client, sim, signal, use, count, read } = await clientFixture(t, { login: 'token' })
  use({ login: { kind: 'token', token: 'stale' }, url: sim.url })
  await t.rejects(client.listPools('cluster-1', signal), { name: 'TerminalError', code: 'Unauthorized' })
  t.equal(count('listPools'), 1)
  t.equal(count('authenticate'), 0)
  t.equal(await read('credential_valid'), 0)
})

t.test('a fresh token that is refused is not exchanged for ever', async (t) => {
  const { client, sim, signal, count } = await clientFixture(t)
  sim.faults.next('listPools', { kind: 'status', status: 401 }, Infinity)
  await t.rejects(client.listPools('cluster-1', signal), { name: 'TerminalError', code: 'Unauthorized' })
  t.equal(count('authenticate'), 1)
})

t.test('a wrong pair is refused without a retry', async (t) => {
  const { client, sim, signal, use, count } = await clientFixture(t)
  use({ login: { kind: 'client', clientId: 'a', clientSecret: 'b' }, url: sim.url })
  await t.rejects(client.listPools('cluster-1', signal), { name: 'TerminalError', code: 'Unauthorized' })
  t.equal(count('authenticate'), 1)
})

t.test('changed credentials are used from the next call on', async (t) => {
  const { client, sim, signal, use, read } = await clientFixture(t, { login: 'token' })
  await client.listPools('cluster-1', signal)
  const { clientId, clientSecret } = sim.credentials
  use({ login: { kind: 'client', clientId, clientSecret }, url: sim.url })
  await client.listPools('cluster-1', signal)
  t.equal(sim.auth.logins, 1)
  t.equal(await read('credential_rotation_attempts_total'), 1)
  t.equal(await read('credential_rotation_successes_total'), 1)
})

t.test('while changed credentials are refused, the token at hand still serves', async (t) => {
  const { client, sim, signal, use, read } = await clientFixture(t)
  await client.listPools('cluster-1', signal)
  use({ login: { kind: 'client', clientId: 'typo', clientSecret: 'typo' }, url: sim.url })
  t.strictSame(await client.listPools('cluster-1', signal), [])
  t.equal(await read('credential_rotation_failures_total'), 1)
  t.equal(await read('credential_valid'), 0)
})

t.test('a changed URL in the Secret moves the calls there', async (t) => {
  const here = await clientFixture(t, { login: 'token' })
  const there = await clientFixture(t, { login: 'token' })
  here.use({ login: { kind: 'token', token: there.sim.credentials.token }, url: there.sim.url })
  await t.rejects(
    here.client.listPools('cluster-1', here.signal),
    { code: 'Unreachable' },
    'its CA is another one',
  )
  t.equal(here.sim.requests.length, 0)
})
