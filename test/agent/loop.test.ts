import t, { type Test } from 'tap'
import { phaseOf, reportOnAndOn } from '../../agent/loop.ts'
import { startReports } from '../../agent/report.ts'
import type { WindowFigures } from '../../agent/usage.ts'
import type { Report } from '../../common/report.ts'
import { virtualClock } from '../fixtures/clock.ts'
import { figures } from './fixtures/objects.ts'

const node = 'node-1'
const phaseMs = phaseOf(node) * 15_000

function start(t: Test, { random = 0.5 }: { random?: number } = {}) {
  const clock = virtualClock()
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const pushed: { at: number; report: Report }[] = []
  const finished: { report: Report | undefined; ms: number }[] = []
  const machine = {
    figures: figures() as WindowFigures | undefined,
    inventory: undefined as { os: string } | undefined,
    paceMs: undefined as number | undefined,
  }
  const deps = {
    clock,
    sampler: { take: () => machine.figures },
    pusher: {
      push: (report: Report) => pushed.push({ at: clock.monotonic(), report }),
      get paceMs() {
        return machine.paceMs
      },
      finish: async (report: Report | undefined, ms: number) => void finished.push({ report, ms }),
    },
    makeReport: startReports({ clock, uptimeSeconds: () => 1 }, { node, bootId: 'a/b' }),
    inventory: () => machine.inventory,
    random: () => random,
  }
  const running = reportOnAndOn(deps, { node, reportIntervalMs: 15_000 }, stop.signal)
  return { clock, stop, pushed, finished, machine, running }
}

t.test('it reports at its own moment of the interval, then once each interval', async (t) => {
  const { clock, pushed } = start(t)
  await clock.advance(45_000 + phaseMs)
  const times = pushed.map(({ at }) => Math.round(at - phaseMs))
  t.same(times, [0, 15_000, 30_000, 45_000])
  t.same(
    pushed.map(({ report }) => report.seq),
    [1, 2, 3, 4],
  )
})

t.test('moments of a fleet are spread over the whole interval', async (t) => {
  const tenths = Array.from({ length: 10 }, () => 0)
  for (let i = 0; i < 1000; i++) {
    const tenth = Math.floor(phaseOf(`worker-${i}`) * 10)
    tenths[tenth] = (tenths[tenth] ?? 0) + 1
  }
  t.equal(tenths.length, 10)
  for (const count of tenths) t.ok(count > 60 && count < 140, `${tenths}`)
  t.equal(phaseOf(node), phaseOf(node))
})

for (const [random, wanted] of [
  [0, 14_250],
  [1, 15_750],
] as const) {
  t.test(`with chance ${random} the next report comes after ${wanted} ms`, async (t) => {
    const { clock, pushed } = start(t, { random })
    await clock.advance(phaseMs + 20_000)
    t.equal(Math.round((pushed[1]?.at ?? 0) - (pushed[0]?.at ?? 0)), wanted)
  })
}

t.test('the pace that a controller asks for is followed', async (t) => {
  const { clock, pushed, machine } = start(t)
  machine.paceMs = 60_000
  await clock.advance(phaseMs + 120_000)
  t.equal(pushed.length, 3)
})

t.test('a window without figures is not reported', async (t) => {
  const { clock, pushed, machine } = start(t)
  machine.figures = undefined
  await clock.advance(60_000)
  t.equal(pushed.length, 0)
})

t.test('the inventory goes along once it is known', async (t) => {
  const { clock, pushed, machine } = start(t)
  await clock.advance(phaseMs)
  machine.inventory = { os: 'Debian' }
  await clock.advance(15_000)
  t.notOk('inventory' in (pushed[0]?.report ?? {}))
  t.match(pushed[1]?.report, { inventory: { os: 'Debian' } })
})

t.test('stopping sends a last report at once, with figures', async (t) => {
  const { clock, stop, finished, machine, running } = start(t)
  await clock.advance(phaseMs + 1_000)
  machine.figures = undefined
  stop.abort()
  await running
  t.match(finished, [{ report: { seq: 2, final: true, windowSeconds: 15 }, ms: 3_000 }])
})

t.test('without any figures so far there is no last report, but connections end', async (t) => {
  const { stop, finished, machine, running } = start(t)
  machine.figures = undefined
  stop.abort()
  await running
  t.same(finished, [{ report: undefined, ms: 3_000 }])
})
