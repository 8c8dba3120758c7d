import fc from 'fast-check'
import t from 'tap'
import { createBreaker } from '../../../controller/vpsie/breaker.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { capturedLog, clientFixture, vpsieMetricsFixture } from '../../fixtures/vpsie-client.ts'

const options = { failures: 3, successes: 2, openMs: 30_000 }

function fixture() {
  const clock = virtualClock()
  const { metrics, read } = vpsieMetricsFixture()
  const { log } = capturedLog()
  return { clock, read, breaker: createBreaker({ clock, log, metrics }, options) }
}

function fail({ breaker }: Pick<ReturnType<typeof fixture>, 'breaker'>, times: number): void {
  for (let i = 0; i < times; i++) breaker.enter(true).failed()
}

const open = { code: 'CircuitOpen', outcome: 'notSent' }

t.test('the breaker opens after so many failures in a row, and a success between begins anew', async (t) => {
  const { breaker } = fixture()
  fail({ breaker }, 2)
  breaker.enter(true).succeeded()
  fail({ breaker }, 2)
  t.equal(breaker.state, 'closed')
  fail({ breaker }, 1)
  t.equal(breaker.state, 'open')
  t.throws(() => breaker.enter(true), open)
})

t.test('an open breaker says when to come back', async (t) => {
  const { breaker, clock } = fixture()
  fail({ breaker }, 3)
  await clock.advance(10_000)
  t.throws(() => breaker.enter(true), { ...open, retryAfterMs: 20_000 })
})

t.test('half open, one request at a time goes through, and never an order', async (t) => {
  const { breaker, clock } = fixture()
  fail({ breaker }, 3)
  await clock.advance(30_000)
  t.throws(() => breaker.enter(false), open, 'an order is no probe')
  const probe = breaker.enter(true)
  t.equal(breaker.state, 'half-open')
  t.throws(() => breaker.enter(true), open, 'a second request while the probe is on its way')
  probe.succeeded()
  t.throws(() => breaker.enter(false), open, 'one success is not enough')
  breaker.enter(true).succeeded()
  t.equal(breaker.state, 'closed')
  breaker.enter(false).succeeded()
})

t.test(
  'a failed probe opens it again for the whole time; one that was given up decides nothing',
  async (t) => {
    const { breaker, clock } = fixture()
    fail({ breaker }, 3)
    await clock.advance(30_000)
    breaker.enter(true).dropped()
    t.equal(breaker.state, 'half-open')
    breaker.enter(true).failed()
    t.equal(breaker.state, 'open')
    await clock.advance(29_999)
    t.throws(() => breaker.enter(true), open)
  },
)

t.test('a request that began before the breaker opened cannot close it', async (t) => {
  const { breaker } = fixture()
  const early = breaker.enter(true)
  fail({ breaker }, 3)
  early.succeeded()
  t.equal(breaker.state, 'open')
})

t.test('exactly one state is shown as the present one, and changes are counted', async (t) => {
  const { breaker, clock, read } = fixture()
  const shown = async () =>
    Promise.all(
      ['closed', 'open', 'half-open'].map((state) => read('vpsie_api_circuit_breaker_state', { state })),
    )
  t.strictSame(await shown(), [1, 0, 0])
  fail({ breaker }, 3)
  t.strictSame(await shown(), [0, 1, 0])
  await clock.advance(30_000)
  breaker.enter(true).succeeded()
  t.strictSame(await shown(), [0, 0, 1])
  breaker.enter(true).succeeded()
  t.equal(await read('vpsie_api_circuit_breaker_opened_total'), 1)
  t.equal(await read('vpsie_api_circuit_breaker_half_open_successes_total'), 2)
})

t.test('whatever the order of events, probes never overlap and only failures in a row open it', async () => {
  const event = fc.constantFrom('enter', 'succeeded', 'failed', 'dropped', 'wait')
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const { breaker, clock } = fixture()
      const passes: { pass: ReturnType<typeof breaker.enter>; probe: boolean }[] = []
      let inARow = 0
      for (const what of events) {
        const before = breaker.state
        if (what === 'wait') await clock.advance(options.openMs)
        else if (what === 'enter') {
          try {
            const pass = breaker.enter(true)
            passes.push({ pass, probe: breaker.state === 'half-open' })
          } catch {
            if (before === 'closed') throw new Error('refused while closed')
          }
        } else {
          const taken = passes.shift()
          taken?.pass[what]()
          if (taken && !taken.probe && before === 'closed')
            inARow = what === 'failed' ? inARow + 1 : what === 'succeeded' ? 0 : inARow
        }
        if (before === 'closed' && breaker.state === 'open' && inARow < options.failures)
          throw new Error('opened too early')
        if (breaker.state !== 'closed') inARow = 0
        if (passes.filter(({ probe }) => probe).length > 1) throw new Error('two probes at once')
      }
    }),
    { numRuns: 60 },
  )
})

t.test('a client leaves a failing VPSie alone and finds it well again', async (t) => {
  const flags = ['--vpsie-attempts', '1', '--vpsie-breaker-failures', '2', '--vpsie-breaker-open', '50ms']
  const { client, sim, signal, count, read } = await clientFixture(t, { flags, login: 'token' })
  sim.faults.next('listPools', { kind: 'status', status: 503 }, 2)
  for (let i = 0; i < 2; i++) await t.rejects(client.listPools('cluster-1', signal), { code: 'ServerError' })
  await t.rejects(client.listPools('cluster-1', signal), open)
  await t.rejects(client.addWorker('cluster-1', 701, signal), open)
  t.equal(count('listPools'), 2)
  t.equal(await read('vpsie_api_circuit_breaker_rejected_total'), 2)
  await new Promise((resolve) => setTimeout(resolve, 60))
  await client.listPools('cluster-1', signal)
  await client.listPools('cluster-1', signal)
  t.equal(client.breakerState, 'closed')
})

t.test('refusals do not open the breaker, even with HTTP 500', async (t) => {
  const { client, sim, signal } = await clientFixture(t, { flags: ['--vpsie-breaker-failures', '1'] })
  await client.createPool('cluster-1', { name: 'p', sizeID: 12 }, signal)
  sim.cloud.quota = 0
  await t.rejects(client.addWorker('cluster-1', 701, signal), {
    name: 'TerminalError',
    code: 'Quota',
    status: 500,
  })
  t.equal(client.breakerState, 'closed')
})
