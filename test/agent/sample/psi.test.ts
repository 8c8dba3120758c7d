import t from 'tap'
import { parsePressure } from '../../../agent/sample/psi.ts'

const line = (kind: string, total: number | string) =>
  `${kind} avg10=1.00 avg60=2.00 avg300=3.00 total=${total}\n`
const texts = {
  cpu: line('some', 11),
  memory: line('some', 22) + line('full', 21),
  io: line('some', 33) + line('full', 31),
}
const totals = { cpuSome: 11, memorySome: 22, memoryFull: 21, ioSome: 33, ioFull: 31 }

t.test('totals are read, averages are not', async (t) => t.same(parsePressure(texts), totals))

t.test('full of the CPU, which kernels since 5.13 show, changes nothing', async (t) => {
  t.same(parsePressure({ ...texts, cpu: texts.cpu + line('full', 99) }), totals)
})

const malformed = [
  { more: { cpu: '' }, message: 'pressure/cpu: must have a line "some … total=N"' },
  { more: { io: line('some', 1) }, message: 'pressure/io: must have a line "full … total=N"' },
  {
    more: { memory: line('some', 1) + line('full', 'x') },
    message: `pressure/memory:2: must be "full … total=N": it is "${line('full', 'x').trim()}"`,
  },
  {
    more: { cpu: 'some avg10=1.00' },
    message: 'pressure/cpu:1: must be "some … total=N": it is "some avg10=1.00"',
  },
]

for (const { more, message } of malformed) {
  t.test(`${JSON.stringify(more)} is told by file and line`, async (t) => {
    t.throws(() => parsePressure({ ...texts, ...more }), { name: 'InputError', message })
  })
}
