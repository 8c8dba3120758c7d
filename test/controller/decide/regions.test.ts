import fc from 'fast-check'
import t from 'tap'
import { annotations, labels } from '../../../common/api/names.ts'
import type { NodeGroup } from '../../../common/api/nodegroup.ts'
import { toTimestamp } from '../../../common/clock.ts'
import { node, nodeGroup, pod, requests } from '../../fixtures/objects.ts'
import { decidedAt, nodeVerdict, planFor } from '../../fixtures/state.ts'

type MultiRegion = NonNullable<NodeGroup['spec']['multiRegion']>

/** How many machines the plan buys in each datacenter for so many pods of which each needs a node of its own. */
function bought(pods: number, multiRegion: MultiRegion, nodes: Record<string, number> = {}) {
  const group = nodeGroup('workers', { spec: { provisioner: 'vm', maxNodes: 200, multiRegion } })
  const present = Object.entries(nodes).flatMap(([place, count]) =>
    Array.from({ length: count }, (_, i) =>
      node(`${place}-${i}`, {
        metadata: { labels: { [labels.datacenter]: place } },
        spec: { unschedulable: true },
      }),
    ),
  )
  const waiting = Array.from({ length: pods }, (_, i) =>
    pod(`pod-${i}`, { requests: requests('1500m', '1Gi') }),
  )
  const plan = planFor({ nodeGroups: [group], nodes: present, pods: waiting })
  const counts: Record<string, number> = {}
  for (const { datacenter = '' } of plan.newNodes) counts[datacenter] = (counts[datacenter] ?? 0) + 1
  return counts
}

const places = ['a', 'b', 'c']
const enabled = { enabled: true, datacenterIDs: places }

const cases: {
  title: string
  pods: number
  policy: MultiRegion
  nodes?: Record<string, number>
  counts: object
}[] = [
  {
    title: 'balanced gives each datacenter the same',
    pods: 9,
    policy: enabled,
    counts: { a: 3, b: 3, c: 3 },
  },
  {
    title: 'balanced counts the nodes that are there',
    pods: 4,
    policy: enabled,
    nodes: { a: 3, b: 1, c: 1 },
    counts: { b: 2, c: 2 },
  },
  {
    title: 'weighted keeps to its shares',
    pods: 10,
    policy: { ...enabled, distributionStrategy: 'weighted', weightedDistribution: { a: 50, b: 30, c: 20 } },
    counts: { a: 5, b: 3, c: 2 },
  },
  {
    title: 'a datacenter of weight 0 gets no more than minNodesPerRegion',
    pods: 7,
    policy: { ...enabled, distributionStrategy: 'weighted', weightedDistribution: { a: 50, b: 50, c: 0 } },
    counts: { a: 3, b: 3, c: 1 },
  },
  {
    title: 'primary-backup buys in the primary datacenter',
    pods: 5,
    policy: { ...enabled, distributionStrategy: 'primary-backup', primaryDatacenter: 'b' },
    counts: { b: 5 },
  },
]

for (const { title, pods, policy, nodes = {}, counts } of cases) {
  t.test(title, async (t) => {
    t.strictSame(bought(pods, policy, nodes), counts)
  })
}

t.test('balanced datacenters never differ by more than one node that could be elsewhere', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), (pods) => {
      const counts = places.map((place) => bought(pods, enabled)[place] ?? 0)
      t.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${pods} pods: ${counts.join()}`)
    }),
    { numRuns: 20 },
  )
})

t.test('each datacenter keeps minNodesPerRegion', async (t) => {
  const idle = (name: string, place: string) =>
    node(name, {
      metadata: {
        labels: { [labels.datacenter]: place },
        annotations: { [annotations.unneededSince]: toTimestamp(decidedAt - 3_600_000) },
      },
    })
  const spec = {
    provisioner: 'vm' as const,
    multiRegion: { ...enabled, minNodesPerRegion: 1 },
    disruption: { maxUnavailable: '100%' },
  }
  const nodes = [idle('a-1', 'a'), idle('a-2', 'a'), idle('b-1', 'b')]
  const plan = planFor({ nodeGroups: [nodeGroup('workers', { spec })], nodes })
  t.strictSame(
    plan.nodes.map((one) => nodeVerdict(plan, one.node)),
    ['remove Empty', 'keep AtMin', 'keep AtMin'],
  )
})
