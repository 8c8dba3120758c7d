import t from 'tap'
import { invalid } from '../../common/api/violation.ts'
import { ratchet, valueAt } from '../../webhook/ratchet.ts'

const bad = (field: string, why = 'is bad') => invalid(field, undefined, why)
const old = (object: object, ...violations: ReturnType<typeof bad>[]) => ({ object, check: () => violations })

t.test('a mistake that was there, with the same value, passes', async (t) => {
  const object = { spec: { a: 1 } }
  t.same(ratchet([bad('spec.a')], object, old(object, bad('spec.a'))), [])
})

t.test('a mistake with another value, another sentence, or at another field does not', async (t) => {
  const before = old({ spec: { a: 1 } }, bad('spec.a'))
  t.equal(ratchet([bad('spec.a')], { spec: { a: 2 } }, before).length, 1)
  t.equal(ratchet([bad('spec.a', 'is worse')], { spec: { a: 1 } }, before).length, 1)
  t.equal(ratchet([bad('spec.b')], { spec: { a: 1, b: 1 } }, before).length, 1)
})

t.test('an item of a list may have moved', async (t) => {
  const before = old({ list: ['good', 'bad'] }, bad('list[1]'))
  t.same(ratchet([bad('list[0]')], { list: ['bad'] }, before), [])
})

t.test('one old mistake excuses one new one', async (t) => {
  const before = old({ list: ['bad'] }, bad('list[0]'))
  t.same(ratchet([bad('list[0]'), bad('list[1]')], { list: ['bad', 'bad'] }, before), [bad('list[1]')])
})

t.test('keys of a map are no positions, whatever they look like', async (t) => {
  const before = old({ map: { 0: 'bad' } }, bad('map[0]'))
  t.equal(ratchet([bad('map[1]')], { map: { 1: 'bad' } }, before).length, 1)
})

t.test('the old object is not looked at when nothing is wrong', async (t) => {
  t.same(ratchet([], {}, { object: {}, check: () => t.fail('looked') as never }), [])
})

t.test('a path leads to its value, and nowhere where there is none', async (t) => {
  const object = { spec: { taints: [{ key: 'a' }], labels: { 'example.com/a.b': 'x' } } }
  t.equal(valueAt(object, 'spec.taints[0].key'), 'a')
  t.equal(valueAt(object, 'spec.labels[example.com/a.b]'), 'x')
  t.equal(valueAt(object, 'spec.labels[constructor]'), undefined)
})
