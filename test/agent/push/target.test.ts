import t, { type Test } from 'tap'
import type { Sender } from '../../../agent/push/send.ts'
import { startTarget } from '../../../agent/push/target.ts'
import { type ErrorDetails, InputError, TerminalError, TransientError } from '../../../common/errors.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { captureLog } from '../../fixtures/log.ts'
import { metricsFixture, report } from '../fixtures/objects.ts'

const address = {
  key: '10.0.0.1:8443',
  host: '10.0.0.1',
  port: 8443,
  authority: 'controller:8443',
  servername: 'controller',
}
const unreachable = () => new TransientError('away', { code: 'Unreachable' })
const refused = (code: ErrorDetails['code'], status: number) => new TerminalError(code, { code, status })

/** A target in virtual time; `answer` is what the controller does with the nth report. */
function start(
  t: Test,
  answer: (n: number, token: string) => number | undefined | Promise<number>,
  random = 0.999,
) {
  const clock = virtualClock()
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const { log, lines } = captureLog()
  const { metrics, read } = metricsFixture()
  const sent: { at: number; seq: number; token: string }[] = []
  const state = { token: 'one', closed: 0, identityFails: false }
  const createSender = (): Sender => ({
    async send({ seq }, { token }) {
      sent.push({ at: clock.monotonic(), seq, token })
      return answer(sent.length, token)
    },
    close: () => void state.closed++,
  })
  const identity = async () => {
    if (state.identityFails) throw new InputError('/token', 'must be a readable file')
    return { token: state.token, ca: 'ca' }
  }
  const deps = { clock, log, metrics, identity, random: () => random, createSender }
  const target = startTarget(deps, address, stop.signal)
  const count = (result: string) => read('agent_pushes_total', { result })
  return { clock, stop, lines, sent, state, target, count, read }
}

const fail = (error: Error): never => {
  throw error
}
const seconds = (sent: { at: number }[]) => sent.map(({ at }) => Math.round(at / 1000))
const seqs = (sent: { seq: number }[]) => sent.map(({ seq }) => seq)

t.test('a report is sent at once, and the pace is kept', async (t) => {
  const { clock, target, sent, count, read } = start(t, (n) => (n === 1 ? 20_000 : undefined))
  target.push(report(1))
  await clock.advance(0)
  t.same(seqs(sent), [1])
  t.equal(target.waiting, 0)
  t.equal(target.paceMs, 20_000)
  target.push(report(2))
  await clock.advance(0)
  t.equal(target.paceMs, 20_000, 'an answer without a pace changes nothing')
  t.equal(await count('accepted'), 2)
  t.equal((await read('agent_push_duration_seconds', {})) > 0, true)
})

t.test('waits double from 1 s to 60 s, with full jitter', async (t) => {
  const { clock, target, sent } = start(t, () => fail(unreachable()))
  target.push(report(1))
  await clock.advance(250_000)
  t.same(seconds(sent), [0, 1, 3, 7, 15, 31, 63, 123, 183, 243])
  const quick = start(t, () => fail(unreachable()), 0.25)
  quick.target.push(report(1))
  await quick.clock.advance(15_000)
  t.same(
    quick.sent.map(({ at }) => at),
    [0, 250, 750, 1750, 3750, 7750],
  )
})

t.test('the newest is sent first, and what is older has then become void', async (t) => {
  let away = true
  const { clock, target, sent, count } = start(t, () => (away ? fail(unreachable()) : 15_000))
  for (let seq = 1; seq <= 5; seq++) {
    target.push(report(seq))
    await clock.advance(15_000)
  }
  away = false
  const before = sent.length
  await clock.advance(60_000)
  t.same(seqs(sent.slice(before)), [5])
  t.equal(target.waiting, 0)
  t.equal(await count('superseded'), 4)
  t.equal(await count('accepted'), 1)
})

t.test('of reports that nobody takes the last 20 are kept', async (t) => {
  const { clock, target, count } = start(t, () => fail(unreachable()))
  for (let seq = 1; seq <= 50; seq++) {
    target.push(report(seq))
    await clock.advance(15_000)
  }
  t.equal(target.waiting, 20)
  t.equal(await count('overflowed'), 30)
})

for (const [asked, wanted] of [
  [30_000, 33],
  [500, 1],
  [300_000, 330],
] as const) {
  t.test(`a Retry-After of ${asked} ms is waited for, and some more`, async (t) => {
    const error = new TransientError('busy', { code: 'ServerError', status: 503, retryAfterMs: asked })
    const { clock, target, sent } = start(t, (n) => (n === 1 ? fail(error) : 15_000))
    target.push(report(1))
    await clock.advance(asked - 1)
    target.push(report(2))
    t.equal(sent.length, 1, 'a new report does not cut the wait short')
    await clock.advance(400_000)
    t.same(seconds(sent), [0, wanted])
    t.same(seqs(sent), [1, 2])
  })
}

t.test('a refused token is read again and used at once if it is another one', async (t) => {
  const { clock, target, sent, state, count } = start(t, (_, token) => {
    if (token === 'two') return 15_000
    state.token = 'two'
    return fail(refused('Unauthorized', 401))
  })
  target.push(report(1))
  await clock.advance(0)
  t.same(
    sent.map(({ token }) => token),
    ['one', 'two'],
  )
  t.same([await count('refused'), await count('accepted')], [1, 1])
})

for (const [code, status] of [
  ['Unauthorized', 401],
  ['Forbidden', 403],
] as const) {
  t.test(`a token that stays refused with ${status} is tried slowly, and its reports are kept`, async (t) => {
    const { clock, target, sent, state, count } = start(t, (_, token) =>
      token === 'two' ? 15_000 : fail(refused(code, status)),
    )
    target.push(report(1))
    await clock.advance(130_000)
    for (const [i, { at }] of sent.slice(1).entries()) {
      t.ok(at - (sent[i]?.at ?? 0) >= 30_000, `${seconds(sent)}`)
    }
    t.ok(sent.length >= 3, `${seconds(sent)}`)
    t.equal(target.waiting, 1)
    t.equal(await count('refused'), sent.length)
    state.token = 'two'
    await clock.advance(60_000)
    t.equal(await count('accepted'), 1)
  })
}

for (const [code, status, left] of [
  ['BadInput', 400, [1, 2]],
  ['Refused', 413, [1, 2]],
  ['Conflict', 409, []],
] as const) {
  t.test(
    `${status} drops ${status === 409 ? 'the report and all before it' : 'the report alone'}`,
    async (t) => {
      let away = true
      const { clock, target, sent, count } = start(t, () => {
        if (away) return fail(unreachable())
        return sent.at(-1)?.seq === 3 ? fail(refused(code, status)) : 15_000
      })
      for (const seq of [1, 2, 3]) target.push(report(seq))
      await clock.advance(0)
      away = false
      const before = sent.length
      await clock.advance(60_000)
      t.same(seqs(sent.slice(before)), left.length > 0 ? [3, 2] : [3])
      t.equal(target.waiting, 0)
      t.equal(await count('rejected'), 1)
      target.push(report(4))
      await clock.advance(60_000)
      t.equal(sent.at(-1)?.seq, 4, 'and it goes on')
    },
  )
}

t.test('a new token ends the wait that a refused one began', async (t) => {
  const { clock, target, sent, state } = start(t, (_, token) =>
    token === 'two' ? 15_000 : fail(refused('Unauthorized', 401)),
  )
  target.push(report(1))
  await clock.advance(10_000)
  t.equal(sent.length, 1)
  state.token = 'two'
  await clock.advance(2_000)
  t.same(
    sent.map(({ token }) => token),
    ['one', 'two'],
  )
  t.equal(target.waiting, 0)
})

t.test('files that cannot be read are tried again like a controller that is away', async (t) => {
  const { clock, target, sent, state, count, lines } = start(t, () => 15_000)
  state.identityFails = true
  target.push(report(1))
  await clock.advance(3_000)
  t.equal(await count('failed'), 3)
  t.match(lines, [{ message: 'report was not taken', error: '/token: must be a readable file' }])
  state.identityFails = false
  await clock.advance(10_000)
  t.same(seqs(sent), [1])
  t.match(lines, [{}, { message: 'controller takes reports', controller: address.key }])
  t.equal(lines.length, 2, 'the same problem is told once')
})

t.test('the last report overtakes a wait and what is waiting', async (t) => {
  let away = true
  const { clock, stop, target, sent, state, count } = start(t, () => (away ? fail(unreachable()) : 15_000))
  target.push(report(1))
  await clock.advance(20_000)
  stop.abort()
  away = false
  const before = sent.length
  await target.finish(report(2, { final: true }), new AbortController().signal)
  t.same(seqs(sent.slice(before)), [2])
  t.equal(await count('accepted'), 1)
  t.ok(state.closed > 0)
})

t.test('a last report that hangs ends with its time limit', async (t) => {
  const { clock, stop, target, state, lines } = start(t, () => new Promise<number>(() => undefined))
  stop.abort()
  const finishing = target.finish(report(1, { final: true }), clock.timeout(3_000))
  await clock.advance(3_000)
  await finishing
  t.match(lines.at(-1), { message: 'the last report was not taken', level: 'info' })
  t.ok(state.closed > 0)
})

t.test('abort ends the connection and sends no more', async (t) => {
  const { clock, stop, target, sent, state } = start(t, () => fail(unreachable()))
  target.push(report(1))
  await clock.advance(0)
  stop.abort()
  await clock.advance(120_000)
  target.push(report(2))
  await clock.advance(120_000)
  t.equal(sent.length, 1)
  t.equal(state.closed, 1)
  t.equal(clock.waiting, 0)
})
