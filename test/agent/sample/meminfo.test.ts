import t from 'tap'
import { parseMeminfo } from '../../../agent/sample/meminfo.ts'

const rows = {
  MemTotal: '1000 kB',
  MemFree: '100 kB',
  MemAvailable: '400 kB',
  Buffers: '20 kB',
  Cached: '300 kB',
  'Inactive(file)': '120 kB',
  AnonPages: '350 kB',
}

const meminfo = (more: Record<string, string | undefined> = {}) =>
  Object.entries({ ...rows, ...more })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${`${name}:`.padEnd(16)}${value}\n`)
    .join('')

t.test('the working set is anonymous pages, cache and buffers less inactive file pages', async (t) => {
  t.same(parseMeminfo(meminfo()), {
    totalBytes: 1000 * 1024,
    availableBytes: 400 * 1024,
    workingSetBytes: 550 * 1024,
  })
})

t.test('figures taken one after the other never come out beyond the machine', async (t) => {
  const all = { AnonPages: '990 kB', MemAvailable: '1001 kB' }
  t.match(parseMeminfo(meminfo(all)), { availableBytes: 1000 * 1024, workingSetBytes: 1000 * 1024 })
  const none = { AnonPages: '0 kB', Cached: '0 kB', Buffers: '0 kB' }
  t.match(parseMeminfo(meminfo(none)), { workingSetBytes: 0 })
})

t.test('a name that another one begins with is not taken for it', async (t) => {
  t.match(parseMeminfo(`CachedMore: 7 kB\n${meminfo()}`), { workingSetBytes: 550 * 1024 })
})

for (const name of ['MemTotal', 'MemAvailable', 'Buffers', 'Cached', 'Inactive(file)', 'AnonPages']) {
  t.test(`without ${name} it is told what is missing`, async (t) => {
    const message = `meminfo: must have a line "${name}: N kB"`
    t.throws(() => parseMeminfo(meminfo({ [name]: undefined })), { name: 'InputError', message })
  })
}

const malformed = [
  { more: { Cached: '-3 kB' }, message: 'meminfo:5: must be "Cached: N kB": it is "Cached:         -3 kB"' },
  { more: { Cached: '3 MB' }, message: 'meminfo:5: must be "Cached: N kB": it is "Cached:         3 MB"' },
  { more: { AnonPages: '' }, message: 'meminfo:7: must be "AnonPages: N kB": it is "AnonPages:      "' },
  { more: { MemTotal: '0 kB' }, message: 'meminfo: MemTotal must be greater than 0' },
]

for (const { more, message } of malformed) {
  t.test(`${JSON.stringify(more)} is told by its line`, async (t) => {
    t.throws(() => parseMeminfo(meminfo(more)), { name: 'InputError', message })
  })
}
