import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { reportOnAndOn } from '../../agent/loop.ts'
import type { Address } from '../../agent/push/addresses.ts'
import { createPusher } from '../../agent/push/pusher.ts'
import { startReports } from '../../agent/report.ts'
import { startSampler } from '../../agent/sampler.ts'
import { TransientError } from '../../common/errors.ts'
import type { Report } from '../../common/report.ts'
import { createUsageStore } from '../../controller/ingest/store.ts'
import { virtualClock } from '../fixtures/clock.ts'
import { captureLog } from '../fixtures/log.ts'
import { metricsFixture, sample } from './fixtures/objects.ts'

const hourMs = 3_600_000

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Bytes that are still needed. */
function heldBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}
const node = 'node-1'

/** Hours in which a controller is away. */
const isAway: Record<string, (hour: number) => boolean> = {
  '10.0.0.1': (hour) => hour >= 3 && hour < 9,
  '10.0.0.2': (hour) => hour >= 6 && hour < 7,
}

t.test('a day with controllers away for hours leaves nothing behind', async (t) => {
  const clock = virtualClock()
  const stop = new AbortController()
  const { log, lines } = captureLog()
  const { metrics, read } = metricsFixture()
  const hour = () => clock.monotonic() / hourMs
  const stores = new Map(
    Object.keys(isAway).map((host) => [
      host,
      createUsageStore({ clock }, { reportIntervalMs: 15_000, forgetAfterMs: 600_000, maxNodes: 10 }),
    ]),
  )
  const open = new Set<string>()
  const verdicts = new Set<string>()
  const createSender = (_: unknown, { host }: Address) => {
    open.add(host)
    return {
      async send(report: Report) {
        await clock.sleep(20)
        if (isAway[host]?.(hour())) throw new TransientError('away', { code: 'Unreachable' })
        verdicts.add(stores.get(host)?.add(report) ?? 'unknown host')
        return 15_000
      },
      close: () => void open.delete(host),
    }
  }
  const sampler = startSampler(
    {
      clock,
      log,
      metrics,
      async read() {
        const at = clock.monotonic()
        return sample({ at, uptimeSeconds: at / 1000, cpu: { busy: at / 50, idle: (at * 9) / 50 } })
      },
    },
    5_000,
    stop.signal,
  )
  // For an hour the resolver is away too.
  const resolve = async () => {
    if (hour() >= 12 && hour() < 13) throw new Error('resolver away')
    return Object.keys(isAway)
  }
  const identity = async () => ({ token: 't', ca: 'c' })
  const deps = { clock, log, metrics, identity, resolve, createSender, random: () => 0.5 }
  const pusher = createPusher(deps, ['https://controller:8443'], stop.signal)
  const makeReport = startReports({ clock, uptimeSeconds: () => hour() * 3600 }, { node, bootId: 'a/b' })
  const running = reportOnAndOn(
    { clock, sampler, pusher, makeReport, inventory: () => undefined, random: () => 0.5 },
    { node, reportIntervalMs: 15_000 },
    stop.signal,
  )

  const most = { waiting: 0, steps: 0, timers: 0, listeners: 0, targets: 0 }
  const limits = { windowMs: 600_000, cpuPercent: 50, memoryPercent: 50 }
  let heldAfterTwoHours = 0
  for (let minutes = 0; minutes < 24 * 60; minutes += 10) {
    await clock.advance(600_000)
    if (minutes === 110) heldAfterTwoHours = heldBytes()
    most.waiting = Math.max(most.waiting, pusher.waiting)
    most.steps = Math.max(most.steps, sampler.waiting)
    most.timers = Math.max(most.timers, clock.waiting)
    most.listeners = Math.max(most.listeners, getEventListeners(stop.signal, 'abort').length)
    most.targets = Math.max(most.targets, pusher.targets)
    for (const [host, store] of stores) {
      // An hour begins with what was seen before it.
      const [now, before] = [hour() - 0.01, hour() - 0.2]
      if (isAway[host]?.(now) || isAway[host]?.(before)) continue
      t.match(store.read(node, limits), { cpuPercent: 10 }, `${host} at ${hour().toFixed(1)} h`)
    }
  }
  const growth = heldBytes() - heldAfterTwoHours
  // The lines of the log, which a program writes and forgets, are kept here.
  t.ok(growth < 256 * 1024, `${growth} bytes more than after two hours`)
  t.equal(most.waiting, 40, '20 for each of two, and they were filled')
  t.ok(most.steps <= 4, `${most.steps} steps`)
  t.equal(most.targets, 2)
  t.ok(most.timers < 20, `${most.timers} timers`)
  t.ok(most.listeners < 12, `${most.listeners} listeners`)
  t.ok(lines.length < 20, `${lines.length} lines in the log`)

  const accepted = (await read('agent_pushes_total', { result: 'accepted' })) / 2
  t.ok(accepted > (24 - 3.6) * 240 - 20 && accepted <= (24 - 3.5) * 240 + 20, `${accepted} reports each`)
  t.equal(await read('agent_samples_total', { result: 'taken' }), 24 * 720 + 1)
  stop.abort()
  await clock.advance(3_000)
  await running
  t.same([...open], [], 'every connection was closed')
  t.same([...verdicts], ['accepted'], 'every report that arrived was a new one')
  for (const store of stores.values()) t.equal(store.read(node, limits), undefined, 'the goodbye has come')
})
