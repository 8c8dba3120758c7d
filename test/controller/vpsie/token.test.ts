import fc from 'fast-check'
import t from 'tap'
import { TerminalError, TransientError } from '../../../common/errors.ts'
import type { Credentials } from '../../../controller/vpsie/credentials.ts'
import type { IssuedToken } from '../../../controller/vpsie/replies.ts'
import { createTokenSource } from '../../../controller/vpsie/token.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { capturedLog, vpsieMetricsFixture } from '../../fixtures/vpsie-client.ts'

const { signal } = new AbortController()
const minute = 60_000
const client: Credentials = { login: { kind: 'client', clientId: 'id', clientSecret: 'secret' } }

/** A source whose log-ins give tokens `t1`, `t2`... of `lifeMs`, or what `answer` says. */
function fixture(lifeMs: number | undefined = 60 * minute) {
  const clock = virtualClock()
  const state = {
    credentials: client,
    logins: 0,
    answer: (n: number): Promise<IssuedToken> =>
      Promise.resolve({
        token: `t${n}`,
        ...(lifeMs === undefined ? {} : { expiresAt: clock.now() + lifeMs }),
      }),
  }
  const { metrics, read } = vpsieMetricsFixture()
  const source = createTokenSource(
    { clock, metrics, log: capturedLog().log },
    { refreshBeforeMs: 5 * minute, exchangeMs: minute },
    () => state.credentials,
    () => state.answer(++state.logins),
  )
  return { clock, state, read, get: () => source.get('https://vpsie/v2', signal), source }
}

t.test('a token serves until five minutes before its end', async (t) => {
  const { clock, get } = fixture()
  t.equal(await get(), 't1')
  await clock.advance(55 * minute - 1)
  t.equal(await get(), 't1')
  await clock.advance(1)
  t.equal(await get(), 't2')
})

const lives = [
  { name: 'a short life is used by half', lifeMs: 4 * minute, renewedAfter: 2 * minute },
  {
    name: 'a life that is over (our clock is ahead) counts as an hour',
    lifeMs: -minute,
    renewedAfter: 55 * minute,
  },
  { name: 'an unreadable end counts as an hour', lifeMs: undefined, renewedAfter: 55 * minute },
  { name: 'a life of a second is not fetched every second', lifeMs: 1000, renewedAfter: minute },
]

for (const { name, lifeMs, renewedAfter } of lives) {
  t.test(name, async (t) => {
    const { clock, get, state } = fixture(lifeMs)
    if (lifeMs === undefined) state.answer = async (n) => ({ token: `t${n}` })
    await get()
    await clock.advance(renewedAfter - 1)
    t.equal(await get(), 't1')
    await clock.advance(1)
    t.equal(await get(), 't2')
  })
}

t.test('while a renewal fails the old token serves, until it has ended', async (t) => {
  const { clock, get, state } = fixture()
  await get()
  state.answer = () => Promise.reject(new TransientError('down', { code: 'ServerError' }))
  await clock.advance(56 * minute)
  t.equal(await get(), 't1')
  t.equal(await get(), 't1')
  t.equal(state.logins, 2, 'a failed renewal is not repeated for a minute')
  await clock.advance(5 * minute)
  await t.rejects(get(), { code: 'ServerError' })
})

t.test('of several that were refused together only the first throws the token away', async (t) => {
  const { get, source, state } = fixture()
  await get()
  source.accepted('t1')
  t.equal(source.rejected('t1'), true)
  t.equal(source.rejected('t1'), true)
  t.equal(await get(), 't2')
  t.equal(source.rejected('t1'), true, 'a late one does not harm the new token')
  t.equal(await get(), 't2')
  t.equal(state.logins, 2)
})

t.test('a token that was never taken is not worth a new log-in', async (t) => {
  const { get, source } = fixture()
  await get()
  t.equal(source.rejected('t1'), false)
})

t.test('changed credentials log in anew; refused ones leave the old token in use', async (t) => {
  const { get, state, read } = fixture()
  await get()
  state.credentials = { login: { kind: 'client', clientId: 'id', clientSecret: 'new' } }
  state.answer = () => Promise.reject(new TerminalError('no', { code: 'Unauthorized' }))
  t.equal(await get(), 't1')
  t.equal(await read('credential_rotation_failures_total'), 1)
})

t.test('when the token ends is shown', async (t) => {
  const { clock, get, read } = fixture()
  await get()
  t.equal(await read('credential_expires_at_timestamp'), (clock.now() + 60 * minute) / 1000)
})

t.test('however many ask and whenever the log-in answers, one log-in serves them all', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 12 }), async (scheduler, callers) => {
      const { get, state } = fixture()
      const answer = state.answer
      state.answer = (n) => scheduler.schedule(Promise.resolve()).then(() => answer(n))
      const tokens = Array.from({ length: callers }, () => scheduler.schedule(Promise.resolve()).then(get))
      await scheduler.waitAll()
      const got = new Set(await Promise.all(tokens))
      if (got.size !== 1 || state.logins !== 1) throw new Error(`${state.logins} log-ins, ${got.size} tokens`)
    }),
    { numRuns: 50 },
  )
})
