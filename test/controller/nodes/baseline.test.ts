import t from 'tap'
import { baselineOf, joinBaselines, readBaseline } from '../../../controller/nodes/baseline.ts'

const uuid = (n: number) => `aaaaaaaa-0000-4000-8000-${String(n).padStart(12, '0')}`

t.test('what was there is known again after it was written down, whatever the letter case', async (t) => {
  const read = readBaseline(baselineOf(['M-1', '1002']).text)
  t.ok(read.has('m-1') && read.has('1002'))
  t.notOk(read.has('m-2'))
})

t.test('10,000 machines leave room in the annotations of an object, which hold 256 KiB', async (t) => {
  const { text } = baselineOf(Array.from({ length: 10_000 }, (_, n) => uuid(n)))
  t.ok(text.length <= 80_000, `${text.length}`)
})

t.test('baselines join, and nothing is none', async (t) => {
  const joined = joinBaselines([baselineOf(['a']), baselineOf(['b']), readBaseline(undefined)])
  t.ok(joined.has('a') && joined.has('b'))
  t.equal(baselineOf([]).text, '')
})
