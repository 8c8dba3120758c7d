import t from 'tap'
import { annotations } from '../../../common/api/names.ts'
import { toTimestamp } from '../../../common/clock.ts'
import type { Action } from '../../../controller/decide/plan.ts'
import { changesWith } from '../../../controller/status/history.ts'
import { node, nodeGroup } from '../../fixtures/objects.ts'
import { decidedAt, nodeVerdict, planFor } from '../../fixtures/state.ts'

const ago = (minutes: number) => toTimestamp(decidedAt - minutes * 60_000)
const turn = (type: 'Add' | 'Remove', minutes: number, offering = 'small') => ({
  time: ago(minutes),
  type,
  offering,
  count: 1,
})
const idle = node('node-1', { metadata: { annotations: { [annotations.unneededSince]: ago(60) } } })
const verdict = (recentChanges: ReturnType<typeof turn>[]) =>
  nodeVerdict(planFor({ nodes: [idle], nodeGroups: [nodeGroup('workers', { status: { recentChanges } })] }))

const cases: { title: string; turns: ReturnType<typeof turn>[]; verdict: string }[] = [
  {
    title: 'a size that came and went once may go',
    turns: [turn('Add', 40), turn('Remove', 30)],
    verdict: 'remove Empty',
  },
  {
    title: 'a size that came and went twice within an hour stays',
    turns: [turn('Add', 50), turn('Remove', 40), turn('Add', 30), turn('Remove', 20)],
    verdict: 'keep Oscillation',
  },
  {
    title: 'turns of another size do not count',
    turns: [turn('Add', 50, 'large'), turn('Remove', 40, 'large'), turn('Add', 30), turn('Remove', 20)],
    verdict: 'remove Empty',
  },
  {
    title: 'turns of more than an hour ago do not count',
    turns: [turn('Add', 70), turn('Remove', 61), turn('Add', 30), turn('Remove', 20)],
    verdict: 'remove Empty',
  },
]

for (const { title, turns, verdict: expected } of cases) {
  t.test(title, async (t) => {
    t.equal(verdict(turns), expected)
  })
}

t.test('a removal that goes on is one turn, and turns of more than an hour ago are forgotten', async (t) => {
  const group = (recentChanges: ReturnType<typeof turn>[]) =>
    nodeGroup('workers', { status: { recentChanges } })
  const remove: Action[] = [
    {
      type: 'remove',
      nodeGroup: 'kube-system/workers',
      offering: 'small',
      count: 2,
      monthlyCost: -20,
      reason: 'Empty',
    },
  ]
  const first = changesWith(group([turn('Add', 90), turn('Add', 50)]), remove, 'Remove', decidedAt)
  t.strictSame(first, [turn('Add', 50), { ...turn('Remove', 0), count: 2 }])
  t.strictSame(changesWith(group(first), remove, 'Remove', decidedAt + 60_000), first)
})
