import t from 'tap'
import { decide } from '../../../controller/decide/decide.ts'
import { group, many, node, pod, size } from '../../bench/decide/states.ts'
import { clusterState, decidedAt, decisionOptions } from '../../fixtures/state.ts'

const offers = { cpu: '4', memory: '16Gi', pods: 110 }

/** Pods of which no two are alike, and an empty node that nobody needs. */
function input(pods: number) {
  return clusterState({
    offerings: [size('small', offers)],
    nodeGroups: [group('workers', { offeringIDs: ['small'], maxNodes: 10_000 })],
    nodes: many(50, (i) =>
      node(`node-${i}`, { ...offers, cpu: '100m' }, { group: 'workers', unneeded: true }),
    ),
    pods: many(pods, (i) => pod(`pod-${i}`, { cpu: `${200 + i}m`, memory: '1Gi' })),
  })
}

const plan = (steps: number, pods: number) =>
  decide(input(pods), decisionOptions('--usage=off', `--max-decision-steps=${steps}`), decidedAt)

t.test('a decision that ends at its limit plans what it came to and tells the rest so', async (t) => {
  const { pods, newNodes } = plan(20_000, 400)
  const left = pods.filter(({ reasons }) => reasons[0]?.code === 'PlanIncomplete')
  const placed = pods.filter(({ verdict }) => verdict === 'scaleUp')
  t.ok(left.length > 0, 'some pods are left')
  t.ok(placed.length > 0, 'some pods are placed')
  t.equal(left.length + placed.length, 400)
  t.ok(newNodes.length > 0)
})

t.test('nothing is removed while nobody knows what the cluster needs', async (t) => {
  const { nodes } = plan(20_000, 400)
  t.ok(nodes.every(({ verdict }) => verdict === 'keep'))
  t.ok(nodes.some(({ reasons }) => reasons.some(({ code }) => code === 'PlanIncomplete')))
})

t.test('a limit that is not reached changes nothing', async (t) => {
  t.strictSame(plan(1_000_000, 50), plan(100_000_000, 50))
  t.notOk(JSON.stringify(plan(1_000_000, 50)).includes('PlanIncomplete'))
})
