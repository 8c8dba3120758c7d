import { cpus } from 'node:os'
import t from 'tap'
import { procReader, readSample } from '../../../agent/sample/read.ts'
import { stepOf } from '../../../agent/usage.ts'
import { systemClock as clock } from '../../../common/clock.ts'
import { startBurner } from '../fixtures/burner.ts'

// Others work on this machine at the same time, so that what was burnt is a lower bound, and the upper one is what the
// system's own library counts per CPU.

const look = () => readSample({ clock, read: procReader('/proc') })
const tickMs = 10

/** Milliseconds that all CPUs were busy since boot. */
const busyMs = () =>
  cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0)

t.test('a known share of the CPU is found again', async (t) => {
  const burner = startBurner()
  t.teardown(() => burner.stop())
  await burner.burn(1)
  const [countedBefore, before] = [busyMs(), await look()]
  const burnt = await burner.burn(800)
  const [after, countedAfter] = [await look(), busyMs()]
  const step = stepOf(before, after, 60_000)
  const { busy, idle, iowait, steal, cores } = after.cpu
  const ticks =
    busy + idle + iowait + steal - before.cpu.busy - before.cpu.idle - before.cpu.iowait - before.cpu.steal
  const found = (step?.busy ?? 0) * ticks * tickMs
  // A tick of each CPU may lie on the other side of either look.
  const unsure = 2 * tickMs * cores
  t.ok(found >= burnt - unsure, `${found} ms found of ${burnt} ms burnt`)
  // The library leaves soft interrupts out, which are a few percent under load.
  const most = (countedAfter - countedBefore) * 1.1 + unsure
  t.ok(found <= most, `and at most ${most} ms counted`)
  t.ok(
    Math.abs(ticks * tickMs - (step?.ms ?? 0) * cores) <= unsure + 0.02 * ticks * tickMs,
    'ticks are 10 ms',
  )
})

t.test('a known amount of memory is found again', async (t) => {
  const amount = 256 * 2 ** 20
  const found: number[] = []
  for (let i = 0; i < 5; i++) {
    const burner = startBurner()
    await burner.hold(4096)
    const before = await look()
    await burner.hold(amount)
    const { memory } = await look()
    await burner.stop()
    found.push(memory.workingSetBytes - before.memory.workingSetBytes)
  }
  // Of five looks the middle one is the least disturbed by others. What is available is the kernel's own estimate, which
  // leaves out the free pages that each CPU keeps for itself, hundreds of MiB since 6.7.
  const middle = found.sort((a, b) => a - b)[2] ?? 0
  t.ok(Math.abs(middle / amount - 1) < 1 / 3, `${Math.round(middle / 2 ** 20)} MiB`)
})
