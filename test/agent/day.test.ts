import { getEventListeners } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startProcess } from '../fixtures/process.ts'
import { isAway, node, startDay } from './fixtures/day.ts'

t.test('a day with controllers away for hours leaves nothing behind', async (t) => {
  const { clock, stop, lines, read, hour, stores, open, verdicts, sampler, pusher, running } = startDay()
  const most = { waiting: 0, steps: 0, timers: 0, listeners: 0, targets: 0 }
  const limits = { windowMs: 600_000, cpuPercent: 50, memoryPercent: 50 }
  const wrong: string[] = []
  for (let minutes = 0; minutes < 24 * 60; minutes += 10) {
    await clock.advance(600_000)
    most.waiting = Math.max(most.waiting, pusher.waiting)
    most.steps = Math.max(most.steps, sampler.waiting)
    most.timers = Math.max(most.timers, clock.waiting)
    most.listeners = Math.max(most.listeners, getEventListeners(stop.signal, 'abort').length)
    most.targets = Math.max(most.targets, pusher.targets)
    for (const [host, store] of stores) {
      // An hour begins with what was seen before it.
      const [now, before] = [hour() - 0.01, hour() - 0.2]
      if (isAway[host]?.(now) || isAway[host]?.(before)) continue
      const { cpuPercent } = store.read(node, limits) ?? {}
      if (cpuPercent !== 10) wrong.push(`${host} at ${hour().toFixed(1)} h: ${cpuPercent}`)
    }
  }
  t.same(wrong, [], 'ten minutes of reports are known at any time')
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

t.test('after a day the heap is what it was after two hours', async (t) => {
  const script = fileURLToPath(new URL('fixtures/day-heap.ts', import.meta.url))
  // Code that is compiled, or thrown away because it was not needed for long, would be megabytes.
  const flags = ['--expose-gc', '--no-opt', '--no-maglev', '--no-sparkplug', '--no-flush-bytecode']
  const program = startProcess(process.execPath, [...flags, script], 'day-heap.ts')
  t.equal(await program.exited, 0, program.lines.join('\n'))
  const growth = Number(program.lines.at(-1))
  // V8 counts the pages it has begun, three quarters of a MiB at most. One report of each interval kept, which is a
  // kilobyte, would be 5 MiB.
  t.ok(growth < 2 * 2 ** 20, `${growth} bytes`)
})
