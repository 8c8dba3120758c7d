import fc from 'fast-check'
import t from 'tap'
import { createLimiter } from '../../../controller/vpsie/limiter.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { clientFixture, vpsieMetricsFixture } from '../../fixtures/vpsie-client.ts'

const { signal } = new AbortController()

function fixture(perMinute = 60, reserve = 0.25) {
  const clock = virtualClock()
  const { metrics, read } = vpsieMetricsFixture()
  const limiter = createLimiter({ clock, metrics }, { perMinute, reserve })
  const granted: { lane: string; at: number }[] = []
  const take = (lane: 'urgent' | 'normal', longestMs = Infinity, stop = signal) =>
    limiter.take('listPools', lane, longestMs, stop).then(() => {
      granted.push({ lane, at: clock.monotonic() })
    })
  return { clock, read, metrics, limiter, granted, take }
}

t.test('lists leave the reserve to orders', async (t) => {
  const { clock, granted, take } = fixture()
  for (let i = 0; i < 60; i++) void take('normal')
  await clock.advance(0)
  t.equal(granted.length, 45, 'three quarters of a minute at once')
  for (let i = 0; i < 15; i++) void take('urgent')
  await clock.advance(0)
  t.equal(granted.filter(({ lane }) => lane === 'urgent').length, 15)
})

t.test('orders use what lists leave over', async (t) => {
  const { clock, granted, take } = fixture()
  for (let i = 0; i < 60; i++) void take('urgent')
  await clock.advance(0)
  t.equal(granted.length, 60)
})

t.test('whoever waits is served in order of arrival, at the configured rate', async (t) => {
  const { clock, granted, take, read, metrics } = fixture(60, 0.5)
  for (let i = 0; i < 33; i++) void take('normal')
  await clock.advance(6_000)
  t.strictSame(
    granted.slice(30).map(({ at }) => at),
    [2_000, 4_000, 6_000],
  )
  t.equal(await read('vpsie_api_rate_limited_total', { method: 'listPools' }), 3)
  const waits = await metrics.vpsie_api_rate_limit_wait_duration_seconds.get()
  t.equal(waits.values.find(({ metricName }) => metricName?.endsWith('_sum'))?.value, 12)
})

t.test('one who would wait too long is turned away at once, and takes no place', async (t) => {
  const { clock, take, granted } = fixture(60, 0.5)
  for (let i = 0; i < 30; i++) await take('normal')
  await t.rejects(take('normal', 1_999), { code: 'Throttled', outcome: 'notSent', retryAfterMs: 2_000 })
  void take('normal', 2_000)
  await clock.advance(2_000)
  t.equal(granted.length, 31)
})

t.test('one who gives up while waiting leaves the place to others', async (t) => {
  const { clock, take, granted } = fixture(60, 0.5)
  for (let i = 0; i < 30; i++) await take('normal')
  const stop = new AbortController()
  const waiting = take('normal', Infinity, stop.signal).catch((error: unknown) => error)
  stop.abort('enough')
  t.equal(await waiting, 'enough')
  void take('normal')
  await clock.advance(2_000)
  t.equal(granted.length, 31)
})

t.test('after VPSie said how long to wait, nothing is sent before', async (t) => {
  const { clock, take, granted, limiter } = fixture()
  limiter.hold(5_000)
  void take('urgent')
  await clock.advance(4_999)
  t.equal(granted.length, 0)
  await clock.advance(1)
  t.equal(granted.length, 1)
})

t.test(
  'however the requests come, no minute has more than burst and rate allow, and the reserve serves at once',
  async () => {
    const arrival = fc.record({
      afterMs: fc.nat(3_000),
      lane: fc.constantFrom('urgent' as const, 'normal' as const),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(arrival, { maxLength: 80 }), async (arrivals) => {
        const { clock, granted, take } = fixture(20, 0.25)
        let urgent = 0
        for (const { afterMs, lane } of arrivals) {
          await clock.advance(afterMs)
          const before = granted.length
          void take(lane)
          await clock.advance(0)
          if (lane === 'urgent' && ++urgent <= 5 && granted.length === before)
            throw new Error('an order had to wait')
        }
        await clock.advance(600_000)
        if (granted.length !== arrivals.length) throw new Error('a request was forgotten')
        for (const { at } of granted) {
          const minute = granted.filter((other) => other.at >= at && other.at < at + 60_000)
          if (minute.length > 40) throw new Error(`${minute.length} in a minute`)
        }
      }),
      { numRuns: 20 },
    )
  },
)

t.test('a client that was told to come back later sends nothing before, whatever it is asked', async (t) => {
  const clock = virtualClock()
  const { client, sim, count } = await clientFixture(t, {
    clock,
    login: 'token',
    flags: ['--vpsie-attempts', '1'],
  })
  sim.faults.next('listPools', { kind: 'status', status: 429, headers: { 'retry-after': '30' } })
  await t.rejects(client.listPools('cluster-1', signal), { code: 'Throttled', retryAfterMs: 30_000 })
  const later = client.listMachines('cluster-1', signal)
  await t.rejects(client.addWorker('cluster-1', 701, signal), { code: 'Throttled', outcome: 'notSent' })
  await clock.advance(29_999)
  t.equal(count('listMachines') + count('addWorker'), 0)
  await clock.advance(1)
  t.equal((await later).length, 1)
})
