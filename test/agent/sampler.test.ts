import t, { type Test } from 'tap'
import type { Sample } from '../../agent/sample/read.ts'
import { startSampler } from '../../agent/sampler.ts'
import { InputError } from '../../common/errors.ts'
import { virtualClock } from '../fixtures/clock.ts'
import { captureLog } from '../fixtures/log.ts'
import { metricsFixture, sample } from './fixtures/objects.ts'

/** A sampler of a machine that is a quarter busy; `read` may replace what a reading gives. */
function start(t: Test, read?: (ok: () => Sample) => Promise<Sample>) {
  const clock = virtualClock()
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const { log, lines } = captureLog()
  const { metrics, read: metric } = metricsFixture()
  const ok = () => {
    const at = clock.monotonic()
    return sample({ at, uptimeSeconds: at / 1000, cpu: { busy: at / 20, idle: (at * 3) / 20 } })
  }
  const sampler = startSampler(
    { clock, log, metrics, read: read ? () => read(ok) : async () => ok() },
    5000,
    stop.signal,
  )
  const count = (result: string) => metric('agent_samples_total', { result })
  return { clock, stop, lines, count, sampler }
}

t.test('figures are of what happened since they were last taken', async (t) => {
  const { clock, sampler, count } = start(t)
  await clock.advance(0)
  t.equal(sampler.take(), undefined, 'one sample alone says nothing')
  await clock.advance(15_000)
  t.match(sampler.take(), { windowSeconds: 15, samples: 3, cpu: { busy: { avg: 0.25 } } })
  t.equal(sampler.take(), undefined)
  await clock.advance(5_000)
  t.match(sampler.take(), { windowSeconds: 5, samples: 1 })
  t.equal(await count('taken'), 5)
})

t.test('a reading that fails is counted and told once, and the next one goes on', async (t) => {
  let broken = true
  const { clock, sampler, count, lines } = start(t, async (ok) => {
    if (broken) throw new InputError('stat:1', 'must be "cpu"')
    return ok()
  })
  await clock.advance(10_000)
  t.equal(await count('failed'), 3)
  t.equal(sampler.last, undefined)
  t.match(lines, [{ message: 'sample could not be read', error: 'stat:1: must be "cpu"' }])
  broken = false
  await clock.advance(10_000)
  t.match(sampler.take(), { samples: 1 })
  t.match(lines, [{}, { message: 'samples can be read again' }])
  t.equal(lines.length, 2)
})

t.test('a reading that fails between two others leaves one longer step', async (t) => {
  let n = 0
  const { clock, sampler } = start(t, async (ok) => {
    if (n++ === 1) throw new Error('once')
    return ok()
  })
  await clock.advance(10_000)
  t.match(sampler.take(), { windowSeconds: 10, samples: 1, cpu: { busy: { avg: 0.25 } } })
})

t.test('a reading that hangs is given up after 2 s, and no other begins until it ends', async (t) => {
  let readings = 0
  const hung = Promise.withResolvers<void>()
  const { clock, sampler, count, lines } = start(t, async (ok) => {
    if (readings++ === 0) await hung.promise
    return ok()
  })
  await clock.advance(1_999)
  t.equal(await count('failed'), 0)
  await clock.advance(1)
  t.equal(await count('failed'), 1)
  t.match(lines, [{ error: /^must be readable within 2000 ms/ }])
  await clock.advance(10_000)
  t.equal(readings, 1)
  t.equal(await count('failed'), 3)
  hung.resolve()
  await clock.advance(10_000)
  t.equal(readings, 3)
  t.match(sampler.take(), { samples: 1 })
})

t.test('after the machine was suspended it begins anew', async (t) => {
  let asleepMs = 0
  const { clock, sampler, count } = start(t, async (ok) => {
    const found = ok()
    return { ...found, uptimeSeconds: (found.at + asleepMs) / 1000 }
  })
  await clock.advance(5_000)
  sampler.take()
  asleepMs = 3_600_000
  await clock.advance(5_000)
  t.equal(sampler.take(), undefined)
  t.equal(await count('skipped'), 1)
  await clock.advance(5_000)
  t.match(sampler.take(), { samples: 1, windowSeconds: 5 })
})

t.test('it is told once that the kernel shows no pressure, and why', async (t) => {
  let psi: Sample['psi'] = 'disabled'
  const { clock, lines, sampler } = start(t, async (ok) => ({ ...ok(), psi }))
  await clock.advance(15_000)
  t.match(lines, [{ message: 'pressure is not reported', reason: 'disabled' }])
  t.equal(lines.length, 1)
  t.notOk('psi' in (sampler.take() ?? {}))
  psi = { cpuSome: 0, memorySome: 0, memoryFull: 0, ioSome: 0, ioFull: 0 }
  await clock.advance(15_000)
  t.match(sampler.take(), { psi: { memoryFull: 0 } })
})

t.test('what nobody takes is kept to a bound, the newest', async (t) => {
  const { clock, sampler } = start(t)
  await clock.advance(24 * 60_000)
  t.equal(sampler.waiting, 240)
  t.match(sampler.take(), { samples: 240, windowSeconds: 1200 })
})

t.test('with abort it ends, and an ended reading is no failure', async (t) => {
  const { clock, stop, count, sampler } = start(t, () => new Promise(() => undefined))
  await clock.advance(0)
  stop.abort()
  await clock.advance(60_000)
  t.equal(await count('failed'), 0)
  t.equal(sampler.last, undefined)
})
