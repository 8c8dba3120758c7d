import fc from 'fast-check'
import t from 'tap'
import type { Sample } from '../../agent/sample/read.ts'
import { figuresOf, type Step, stepOf } from '../../agent/usage.ts'
import { sample } from './fixtures/objects.ts'

type Change = Parameters<typeof sample>[0]

const before = sample({ cpu: { busy: 1000, idle: 5000, iowait: 50, steal: 100 } })
const after = (more: Change = {}): Sample =>
  sample({
    at: 5000,
    uptimeSeconds: 1005,
    ...more,
    cpu: { busy: 1300, idle: 5580, iowait: 70, steal: 200, ...more?.cpu },
  })

t.test('shares are of all ticks that passed', async (t) => {
  // 300 + 580 + 20 + 100 = 1000 ticks
  t.match(stepOf(before, after(), 5000), { ms: 5000, busy: 0.3, steal: 0.1, iowait: 0.02, cores: 2 })
})

const steps = [
  { title: 'a busy counter that went back', more: { cpu: { busy: 999 } }, says: false },
  { title: 'a steal counter that went back', more: { cpu: { steal: 99 } }, says: false },
  { title: 'idle time that went back', more: { cpu: { idle: 4000 } }, says: false },
  { title: 'iowait that went back by a tick while idle went on', more: { cpu: { iowait: 49 } }, says: true },
  { title: 'no tick at all', more: { cpu: { busy: 1000, idle: 5000, iowait: 50, steal: 100 } }, says: false },
  { title: 'no time', more: { at: 0 }, says: false },
  { title: 'time that went back', more: { at: -1 }, says: false },
  { title: 'three times the interval', more: { at: 15_000 }, says: true },
  { title: 'more than three times the interval', more: { at: 15_001 }, says: false },
  { title: 'a machine that was suspended meanwhile', more: { uptimeSeconds: 1016 }, says: false },
  { title: 'an uptime that is shown no more', more: { uptimeSeconds: undefined }, says: true },
  { title: 'a CPU that was added', more: { cpu: { cores: 3 } }, says: false },
  { title: 'a CPU that was taken away', more: { cpu: { cores: 1 } }, says: false },
]

for (const { title, more, says } of steps) {
  t.test(`${title} ${says ? 'is a step' : 'says nothing'}`, async (t) => {
    t.equal(stepOf(before, after(more), 5000) !== undefined, says)
  })
}

t.test('a CPU that was added counts from the next step on', async (t) => {
  const third = after({ at: 10_000, cpu: { cores: 3, busy: 1600, idle: 6780, iowait: 70, steal: 200 } })
  const step = stepOf(after({ cpu: { cores: 3 } }), third, 5000)
  t.match(step, { cores: 3, busy: 0.2 })
})

t.test('totals of pressure are microseconds, and their share is of the measured time', async (t) => {
  const psi = { cpuSome: 1000, memorySome: 0, memoryFull: 0, ioSome: 7, ioFull: 7 }
  const later = { cpuSome: 601_000, memorySome: 60_000, memoryFull: 60_000, ioSome: 7, ioFull: 7 }
  const step = stepOf({ ...before, psi }, after({ at: 6000, psi: later }), 5000)
  t.same(step?.psi, { cpuSome: 0.1, memorySome: 0.01, memoryFull: 0.01, ioSome: 0, ioFull: 0 })
})

t.test('pressure that went back, appeared or left says nothing, the CPU still does', async (t) => {
  const psi = { cpuSome: 9, memorySome: 9, memoryFull: 9, ioSome: 9, ioFull: 9 }
  for (const [from, to] of [
    [psi, { ...psi, memoryFull: 8 }],
    ['disabled', psi],
    [psi, 'absent'],
  ] as const) {
    const step = stepOf({ ...before, psi: from }, after({ psi: to }), 5000)
    t.match(step, { busy: 0.3, psi: undefined })
  }
})

const psiOf = (cpuSome: number) => ({ cpuSome, memorySome: 0, memoryFull: 0, ioSome: 0, ioFull: 0 })
const step = (more: Partial<Step>): Step => ({
  ms: 5000,
  cores: 2,
  busy: 0,
  steal: 0,
  iowait: 0,
  memory: before.memory,
  psi: psiOf(0),
  ...more,
})

t.test('a window has least, mean, most and last; means are weighted by time', async (t) => {
  const memory = { totalBytes: 8, availableBytes: 4, workingSetBytes: 2 }
  const window = [
    step({ busy: 0.2, steal: 0.1, psi: psiOf(0.1) }),
    step({ busy: 0.8, ms: 10_000, iowait: 0.3, psi: psiOf(0.4) }),
    step({ busy: 0.5, cores: 4, memory, psi: psiOf(0) }),
  ]
  t.same(figuresOf(window), {
    windowSeconds: 20,
    samples: 3,
    cores: 4,
    // (0.2 · 5 + 0.8 · 10 + 0.5 · 5) / 20 = 0.575
    cpu: { busy: { min: 0.2, avg: 0.575, max: 0.8, last: 0.5 }, steal: 0.025, iowait: 0.15 },
    memory,
    psi: psiOf(0.225),
  })
})

t.test('pressure is the mean of the steps that have it, and left out without any', async (t) => {
  t.match(figuresOf([step({ psi: undefined }), step({ psi: psiOf(0.4) })]), { psi: { cpuSome: 0.4 } })
  t.notOk('psi' in (figuresOf([step({ psi: undefined })]) ?? {}))
})

t.test('without a step there are no figures', async (t) => t.equal(figuresOf([]), undefined))

t.test(
  'whatever the counters do, every share is 0 to 1 and the mean lies between least and most',
  async () => {
    const counter = fc.nat(100_000)
    const change = fc.record({
      busy: counter,
      idle: counter,
      iowait: counter,
      steal: counter,
      ms: fc.integer({ min: 1, max: 15_000 }),
      full: fc.nat(20_000_000),
    })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
        let last = sample()
        const taken: Step[] = []
        for (const { ms, full, ...cpu } of changes) {
          const grown = Object.entries(cpu).map(([kind, by]) => [
            kind,
            last.cpu[kind as keyof typeof cpu] + by,
          ])
          const next = sample({
            at: last.at + ms,
            cpu: Object.fromEntries(grown),
            psi: {
              cpuSome: 0,
              memorySome: 0,
              memoryFull: (last.psi as { memoryFull: number }).memoryFull + full,
              ioSome: 0,
              ioFull: 0,
            },
          })
          taken.push(...[stepOf(last, next, 5000) ?? []].flat())
          last = next
        }
        const found = figuresOf(taken)
        if (!found) return
        const { min, avg, max, last: lastBusy } = found.cpu.busy
        const shares = [
          min,
          avg,
          max,
          lastBusy,
          found.cpu.steal,
          found.cpu.iowait,
          ...Object.values(found.psi ?? {}),
        ]
        for (const share of shares) if (!(share >= 0 && share <= 1)) throw new Error(`${share}`)
        if (avg < min - 1e-6 || avg > max + 1e-6) throw new Error(`${min} ${avg} ${max}`)
      }),
    )
  },
)
