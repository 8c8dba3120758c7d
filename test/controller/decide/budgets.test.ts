import t from 'tap'
import { budgetOf, countOf, withinHours } from '../../../controller/decide/budgets.ts'
import { nodeGroup } from '../../fixtures/objects.ts'

for (const [budget, size, count] of [
  ['10%', 1, 1],
  ['10%', 10, 1],
  ['10%', 11, 2],
  ['0%', 10, 0],
  ['100%', 7, 7],
  [3, 1, 3],
  ['2', 10, 2],
] as const) {
  t.test(`${budget} of ${size} nodes is ${count}`, async (t) => {
    t.equal(countOf(budget, size), count)
  })
}

t.test('a group that names no budget has 10 %', async (t) => {
  t.equal(budgetOf(nodeGroup(), 25), 3)
})

for (const [hours, time, within] of [
  ['01:00-05:00', '00:59', false],
  ['01:00-05:00', '01:00', true],
  ['01:00-05:00', '05:00', false],
  ['22:00-02:00', '23:00', true],
  ['22:00-02:00', '01:59', true],
  ['22:00-02:00', '12:00', false],
  ['always', '12:00', false],
] as const) {
  t.test(`${time} is ${within ? '' : 'not '}within ${hours}`, async (t) => {
    t.equal(withinHours(hours, Date.parse(`2026-01-01T${time}:00Z`)), within)
  })
}
