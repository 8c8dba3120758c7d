import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { getSystemErrorMap } from 'node:util'
import t from 'tap'
import { procReader, type ReadProc, readBootId, readSample } from '../../../agent/sample/read.ts'
import { createViewCheck } from '../../../agent/sample/view.ts'
import { stepOf } from '../../../agent/usage.ts'
import { virtualClock } from '../../fixtures/clock.ts'

// Worked out by hand in fixtures/proc/NOTES.md.
const kernels = [
  {
    name: '4.19-cgroup-v1',
    cpu: { cores: 4, busy: 0.42, steal: 0.08, iowait: 0.05 },
    memory: { totalBytes: 8363876352, availableBytes: 4833427456, workingSetBytes: 4843581440 },
    psi: undefined,
  },
  {
    name: '5.15',
    cpu: { cores: 2, busy: 0.375, steal: 0.03, iowait: 0.02 },
    memory: { totalBytes: 4114632704, availableBytes: 2549985280, workingSetBytes: 2405400576 },
    psi: { cpuSome: 0.12, memorySome: 0.01, memoryFull: 0.005, ioSome: 0.04, ioFull: 0.03 },
  },
  {
    name: '5.14-psi-disabled',
    cpu: { cores: 8, busy: 0.042, steal: 0, iowait: 0.0005 },
    memory: { totalBytes: 33376780288, availableBytes: 29592801280, workingSetBytes: 4520521728 },
    psi: undefined,
  },
  {
    name: '6.1-arm64',
    cpu: { cores: 4, busy: 0.605, steal: 0, iowait: 0 },
    memory: { totalBytes: 16632512512, availableBytes: 13805678592, workingSetBytes: 4180410368 },
    psi: { cpuSome: 0.25, memorySome: 0, memoryFull: 0, ioSome: 0.002, ioFull: 0.001 },
  },
  {
    name: '6.8-128-cores',
    cpu: { cores: 128, busy: 0.32, steal: 0, iowait: 0 },
    memory: { totalBytes: 540659961856, availableBytes: 399372496896, workingSetBytes: 241430851584 },
    psi: { cpuSome: 0.02, memorySome: 0.0005, memoryFull: 0.0001, ioSome: 0.2, ioFull: 0.15 },
  },
  {
    name: '5.10-cgroup-v1',
    ms: 5110,
    cpu: { cores: 2, busy: 1, steal: 0, iowait: 0 },
    memory: { totalBytes: 498581504, availableBytes: 433688576, workingSetBytes: 44142592 },
    psi: { cpuSome: 0.509902, memorySome: 0, memoryFull: 0, ioSome: 0, ioFull: 0 },
  },
  {
    name: '5.10-psi-off',
    ms: 5120,
    cpu: { cores: 4, busy: 0.006873, steal: 0, iowait: 0 },
    memory: { totalBytes: 498065408, availableBytes: 432222208, workingSetBytes: 44032000 },
    psi: undefined,
  },
  {
    name: '6.12-arm64',
    ms: 5350,
    cpu: { cores: 4, busy: 0.266667, steal: 0, iowait: 0 },
    memory: { totalBytes: 1020825600, availableBytes: 906915840, workingSetBytes: 44056576 },
    psi: { cpuSome: 0.002874, memorySome: 0, memoryFull: 0, ioSome: 0, ioFull: 0 },
  },
  {
    name: '6.1-128-cores',
    ms: 5890,
    cpu: { cores: 128, busy: 0.005238, steal: 0, iowait: 0 },
    memory: { totalBytes: 984039424, availableBytes: 659034112, workingSetBytes: 44052480 },
    psi: { cpuSome: 0.003566, memorySome: 0, memoryFull: 0, ioSome: 0, ioFull: 0 },
  },
  {
    name: '6.18',
    ms: 4900,
    cpu: { cores: 2, busy: 0.213552, steal: 0, iowait: 0.005133 },
    memory: { totalBytes: 25276502016, availableBytes: 24844533760, workingSetBytes: 390373376 },
    psi: { cpuSome: 0.028114, memorySome: 0, memoryFull: 0, ioSome: 0.005804, ioFull: 0.005382 },
  },
  {
    name: '6.18-loaded',
    ms: 5120,
    cpu: { cores: 2, busy: 0.999022, steal: 0.000978, iowait: 0 },
    memory: { totalBytes: 25276502016, availableBytes: 20018577408, workingSetBytes: 6329479168 },
    psi: { cpuSome: 0.972347, memorySome: 0, memoryFull: 0, ioSome: 0.014964, ioFull: 0 },
  },
]

const folder = (name: string) => fileURLToPath(new URL(`../fixtures/proc/${name}`, import.meta.url))

// What Node makes of the kernel's EOPNOTSUPP, number 95.
const notSupported = Object.assign(new Error('operation not supported'), { errno: -95, code: 'ENOTSUP' })

/** The files of a kernel that was built with pressure and told to leave it off can be opened and not read. */
const withPressureOff =
  (read: ReadProc): ReadProc =>
  async (name) => {
    if (name.startsWith('pressure/')) throw notSupported
    return read(name)
  }

for (const { name, ms = 5000, cpu, memory, psi } of kernels) {
  t.test(`a kernel ${name} shows what was worked out by hand`, async (t) => {
    const clock = virtualClock()
    const readerOf = (moment: string) => {
      const read = procReader(folder(`${name}/${moment}`))
      return name.endsWith('psi-disabled') ? withPressureOff(read) : read
    }
    const first = await readSample({ clock, read: readerOf('first') })
    await clock.advance(ms)
    const later = await readSample({ clock, read: readerOf('later') })
    t.equal(later.at - first.at, ms)
    t.equal(
      Math.round((later.uptimeSeconds ?? 0) * 100) - Math.round((first.uptimeSeconds ?? 0) * 100),
      ms / 10,
    )
    const step = stepOf(first, later, 5000)
    t.ok(step)
    const round = (value: number) => Math.round(value * 1e6) / 1e6
    const { cores = 0, busy = 0, steal = 0, iowait = 0 } = step ?? {}
    t.same({ cores, busy: round(busy), steal: round(steal), iowait: round(iowait) }, cpu)
    t.same(step?.memory, memory)
    const shares = step?.psi && Object.entries(step.psi).map(([kind, value]) => [kind, round(value)])
    t.same(shares && Object.fromEntries(shares), psi)
  })
}

t.test('CPUs that came up between two moments leave nothing to say', async (t) => {
  const clock = virtualClock()
  const first = await readSample({ clock, read: procReader(folder('6.1-hot-added/first')) })
  await clock.advance(5350)
  const later = await readSample({ clock, read: procReader(folder('6.1-hot-added/later')) })
  t.same([first.cpu.cores, later.cpu.cores], [2, 4])
  t.equal(stepOf(first, later, 5000), undefined)
})

t.test('a sandbox that counts no ticks is no machine, and that is said', async (t) => {
  const read = procReader(folder('gvisor/first'))
  await t.rejects(readSample({ clock: virtualClock(), read }), {
    name: 'InputError',
    message: /^stat:1: must count ticks: .*sandbox/,
  })
})

t.test('what lxcfs shows in a container is refused by its mounts', async (t) => {
  const mounts = () => readFile(folder('5.15-lxcfs/first/self/mountinfo'), 'utf8')
  await t.rejects(createViewCheck('/proc', mounts)(), { message: /^\/proc\/stat: must be the kernel's own/ })
})

t.test('it is told why there is no pressure', async (t) => {
  const clock = virtualClock()
  const absent = procReader(folder('4.19-cgroup-v1/first'))
  t.equal((await readSample({ clock, read: absent })).psi, 'absent')
  const disabled = withPressureOff(procReader(folder('5.15/first')))
  t.equal((await readSample({ clock, read: disabled })).psi, 'disabled')
  t.equal(getSystemErrorMap().get(notSupported.errno)?.[0], notSupported.code, 'that is the name Node gives')
})

t.test('pressure that cannot be read for another reason is a failure', async (t) => {
  const read: ReadProc = async (name) => {
    if (name === 'pressure/io') throw Object.assign(new Error('no'), { code: 'EIO' })
    return procReader(folder('5.15/first'))(name)
  }
  await t.rejects(readSample({ clock: virtualClock(), read }), { code: 'EIO' })
})

t.test('a machine that does not show its uptime is sampled all the same', async (t) => {
  const read: ReadProc = (name) => procReader(folder(name === 'uptime' ? 'nowhere' : '5.15/first'))(name)
  t.match(await readSample({ clock: virtualClock(), read }), { uptimeSeconds: undefined, cpu: { cores: 2 } })
})

t.test('a file that is missing is named, and so is a line that is malformed', async (t) => {
  const clock = virtualClock()
  await t.rejects(readSample({ clock, read: procReader('/nowhere') }), /ENOENT.*\/nowhere\/stat/)
  const read: ReadProc = async (name) =>
    name === 'meminfo' ? 'MemTotal: many\n' : procReader(folder('5.15/first'))(name)
  await t.rejects(readSample({ clock, read }), {
    name: 'InputError',
    message: /^meminfo:1: must be "MemTotal: N kB"/,
  })
})

t.test("the boot id is the kernel's, or unknown", async (t) => {
  t.equal(await readBootId(procReader(folder('5.15/first'))), '0f8fad5b-d9cb-469f-a165-70867728950e')
  t.equal(await readBootId(procReader(folder('6.18/first'))), 'unknown')
  t.equal(await readBootId(async () => '\n'), 'unknown')
})
