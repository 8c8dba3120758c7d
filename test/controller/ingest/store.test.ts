import t from 'tap'
import type { Clock } from '../../../common/clock.ts'
import { createUsageStore } from '../../../controller/ingest/store.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { report } from '../../fixtures/report.ts'

const limits = { windowMs: 60_000, cpuPercent: 50, memoryPercent: 50 }
const options = { reportIntervalMs: 15_000, forgetAfterMs: 600_000, maxNodes: 10 }

/** A store by a clock whose wall time can be set. */
function start() {
  const clock = virtualClock()
  let offMs = 0
  const moved: Clock = { ...clock, now: () => clock.now() + offMs, monotonic: clock.monotonic }
  const store = createUsageStore({ clock: moved }, options)
  let seq = 0
  return {
    clock,
    store,
    now: () => moved.now(),
    setWall: (ms: number) => {
      offMs += ms
    },
    add: (over = {}) => store.add(report({ seq: ++seq, ...over })),
    isKnown: () => store.read('node-1', limits) !== undefined,
  }
}

t.test('a node that is silent for two and a half intervals is unknown', async (t) => {
  const { clock, add, isKnown } = start()
  add()
  await clock.advance(37_500)
  t.ok(isKnown())
  await clock.advance(1)
  t.notOk(isKnown())
})

t.test('a wall clock that is set back keeps no silent node fresh', async (t) => {
  const { clock, add, isKnown, setWall } = start()
  add()
  setWall(-3_600_000)
  await clock.advance(38_000)
  t.notOk(isKnown())
})

t.test('after a suspension, which the monotonic clock does not see, a node is unknown', async (t) => {
  const { add, isKnown, setWall } = start()
  add()
  setWall(3_600_000)
  t.notOk(isKnown())
  add()
  t.ok(isKnown())
})

t.test('since when a node is at rest is told in wall time, however it was set', async (t) => {
  const { clock, store, add, now, setWall } = start()
  for (let i = 0; i < 8; i++) {
    await clock.advance(15_000)
    add()
  }
  setWall(-7_200_000)
  add()
  const { since = 0, coverage = 0 } = store.read('node-1', limits) ?? {}
  t.equal(since, now() - 60_000)
  t.equal(coverage, 1)
})

t.test('reports of any of the last eight starts are void', async (t) => {
  const { add } = start()
  for (let i = 0; i < 10; i++) t.equal(add({ bootId: `boot/${i}`, seq: 1 }), 'accepted')
  for (let i = 1; i < 9; i++) t.equal(add({ bootId: `boot/${i}`, seq: 99 }), 'superseded', `start ${i}`)
  t.equal(add({ bootId: 'boot/9', seq: 2 }), 'accepted')
})

t.test('a new start begins a new history', async (t) => {
  const { clock, store, add } = start()
  add({ cpu: { busy: { min: 1, avg: 1, max: 1, last: 1 }, steal: 0, iowait: 0 } })
  await clock.advance(15_000)
  add({ bootId: 'boot/2', seq: 1 })
  t.match(store.read('node-1', limits), { cpuPercent: 10 })
})

t.test('nobody can change what the store knows', async (t) => {
  const { store, add } = start()
  add()
  Object.assign(store.read('node-1', limits) ?? {}, { cpuPercent: 0 })
  t.match(store.read('node-1', limits), { cpuPercent: 10 })
})
