import t from 'tap'
import { annotations, labels } from '../../../common/api/names.ts'
import type { NodeGroupSpec } from '../../../common/api/nodegroup.ts'
import { toTimestamp } from '../../../common/clock.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'
import {
  autoscalerConfig,
  boundPod,
  node,
  nodeGroup,
  podDisruptionBudget,
  requests,
  vpsieNode,
} from '../../fixtures/objects.ts'
import { actionTexts, decidedAt, nodeVerdict, offering, planFor } from '../../fixtures/state.ts'

const ago = (seconds: number) => toTimestamp(decidedAt - seconds * 1000)
const large = { cpu: '8', memory: '16Gi', 'ephemeral-storage': '50Gi', pods: '110' }

const group = (spec: Partial<NodeGroupSpec> = {}, status = {}, notes: Record<string, string> = {}) =>
  nodeGroup('workers', {
    metadata: { annotations: notes },
    spec: {
      offeringIDs: ['small', 'large'],
      allowMixedInstances: true,
      disruption: { maxUnavailable: '100%', minNodeAgeSeconds: 0 },
      scaleDownPolicy: { cpuThreshold: 10, memoryThreshold: 10 },
      costOptimization: { enabled: true, minMonthlySavings: 10 },
      ...spec,
    },
    status,
  })
const dear = (name = 'node-1') =>
  node(name, {
    metadata: { labels: { [labels.offering]: 'large' } },
    status: { capacity: large, allocatable: large },
  })

/** A node of size large (36 a month) whose only pod would do with size small (10 a month). */
const wasteful = (over: Partial<ClusterState> = {}): Partial<ClusterState> => ({
  nodeGroups: [group()],
  offerings: [offering(), offering('large')],
  nodes: [dear()],
  pods: [boundPod('a', 'node-1', { requests: requests('1500m', '1Gi') })],
  ...over,
})

t.test('a node too large for its pods is replaced by a smaller one, and the saving is stated', async (t) => {
  const plan = planFor(wasteful())
  t.match(plan.actions, [
    {
      type: 'replace',
      nodeGroup: 'kube-system/workers',
      offering: 'small',
      count: 1,
      nodes: ['node-1'],
      monthlyCost: -26,
      reason: 'Replaced',
    },
  ])
  t.match(plan.nodes, [
    {
      node: 'node-1',
      verdict: 'replace',
      evict: ['default/a'],
      moves: [{ pod: 'default/a', to: 'new-1' }],
      reasons: [{ code: 'Replaced', message: '1 of size small instead of node-1 saves 26.00 a month' }],
    },
  ])
  t.match(plan.newNodes, [{ name: 'new-1', offering: 'small', pods: ['default/a'], monthlyPrice: 10 }])
  t.strictSame(plan.monthlyCost, { now: 36, planned: 10 })
  t.match(plan.groups, [{ current: 1, target: 1, monthlyCost: 10 }])
})

t.test('a group at its minimum cannot shrink, but a cheaper node may take the place of one', async (t) => {
  const atMin = group({ minNodes: 1, scaleDownPolicy: { cpuThreshold: 50, memoryThreshold: 50 } })
  const idle = planFor(wasteful({ nodeGroups: [atMin], pods: [boundPod('a', 'node-1')] }))
  t.same(actionTexts(idle), ['replace node-1'])
})

t.test('a replacement never takes a group below its minimum', async (t) => {
  const plan = planFor(
    wasteful({
      nodeGroups: [group({ minNodes: 2 })],
      nodes: [dear('node-1'), dear('node-2')],
      pods: [
        boundPod('a', 'node-1', { requests: requests('900m', '1Gi') }),
        boundPod('b', 'node-2', { requests: requests('900m', '1Gi') }),
      ],
    }),
  )
  t.same(actionTexts(plan), [], 'one small node would hold both pods, and the group would lack one')
})

t.test('several nodes are replaced by fewer', async (t) => {
  const medium = offering('medium', {
    monthlyPrice: 18,
    allocatable: { cpu: '4', memory: '8Gi', 'ephemeral-storage': '50Gi', pods: '110' },
  })
  const plan = planFor(
    wasteful({
      nodeGroups: [group({ offeringIDs: ['small', 'medium', 'large'] })],
      offerings: [offering(), medium, offering('large')],
      nodes: [dear('node-1'), dear('node-2')],
      pods: [
        boundPod('a', 'node-1', { requests: requests('1700m', '1Gi') }),
        boundPod('b', 'node-2', { requests: requests('1800m', '1Gi') }),
      ],
    }),
  )
  t.strictSame(actionTexts(plan), ['replace node-1 node-2'])
  t.match(plan.newNodes, [{ offering: 'medium', pods: ['default/a', 'default/b'] }])
  t.match(plan.groups, [{ current: 2, target: 1, monthlyCost: 18 }])
  t.strictSame(plan.monthlyCost, { now: 72, planned: 18 })
})

const spread = boundPod('a', 'node-1', { requests: requests('1500m', '1Gi') })
const held: { title: string; state: Partial<ClusterState>; args?: string[]; verdict: string }[] = [
  {
    title: 'it saves less than minMonthlySavings',
    state: wasteful({ nodeGroups: [group({ costOptimization: { enabled: true, minMonthlySavings: 27 } })] }),
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'the group has no costOptimization',
    state: wasteful({
      nodeGroups: [nodeGroup('workers', { spec: { scaleDownPolicy: { cpuThreshold: 10 } } })],
    }),
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'rebalancing is off for the cluster',
    state: wasteful({ autoscalerConfig: autoscalerConfig({ globalSettings: { enableRebalancing: false } }) }),
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'the group has replaced nodes within optimizationInterval',
    state: wasteful({ nodeGroups: [group({}, { lastReplaceTime: ago(3600) })] }),
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'the node is younger than minNodeAgeSeconds',
    state: wasteful({
      nodeGroups: [group({ disruption: { maxUnavailable: '100%', minNodeAgeSeconds: 604_800 } })],
    }),
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'the group has no room for one more machine',
    state: wasteful({ nodeGroups: [group({ maxNodes: 1 })] }),
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'the cost limit leaves nothing for the time both are there',
    state: wasteful({ nodeGroups: [group({ maxMonthlyCost: 40 })] }),
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'a PodDisruptionBudget allows no eviction',
    state: wasteful({
      podDisruptionBudgets: [podDisruptionBudget('none', { status: { disruptionsAllowed: 0 } })],
    }),
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'the agent says that its pods use more than the smaller size has',
    state: wasteful({
      usage: new Map([
        ['node-1', { node: 'node-1', cpuPercent: 60, memoryPercent: 10, coverage: 1, since: 0 }],
      ]),
    }),
    verdict: 'keep AboveThreshold UsageHigh',
  },
  {
    title: 'the size has been added and removed twice within an hour',
    state: wasteful({
      nodeGroups: [
        group(
          {},
          {
            recentChanges: (['Add', 'Remove', 'Add', 'Remove'] as const).map((type, i) => ({
              time: ago(3000 - i * 500),
              type,
              offering: 'large',
              count: 1,
            })),
          },
        ),
      ],
    }),
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'the controller is paused',
    state: wasteful({ autoscalerConfig: autoscalerConfig({ globalSettings: { paused: true } }) }),
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'the group grows in the same plan',
    state: wasteful({
      pods: [spread, { ...boundPod('w', ''), ...waiting() }],
    }),
    verdict: 'keep AboveThreshold',
  },
]

function waiting() {
  return {
    spec: { containers: [{ name: 'c', resources: { requests: { cpu: '7', memory: '1Gi' } } }] },
    status: {
      phase: 'Pending' as const,
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False' as const,
          reason: 'Unschedulable',
          lastTransitionTime: ago(60),
        },
      ],
    },
  }
}

for (const { title, state, args = [], verdict } of held) {
  t.test(`nothing is replaced while ${title}`, async (t) => {
    const plan = planFor(state, ...args)
    t.equal(nodeVerdict(plan), verdict)
    t.notOk(plan.actions.some(({ type }) => type === 'replace'))
  })
}

t.test('with requireApproval it waits for the annotation that names it', async (t) => {
  const costOptimization = { enabled: true, requireApproval: true }
  const asked = planFor(wasteful({ nodeGroups: [group({ costOptimization })] }))
  t.equal(nodeVerdict(asked), 'keep AwaitingApproval')
  t.strictSame(asked.actions, [])
  const [, name = ''] = /approve=([0-9a-f]{8})$/.exec(asked.nodes[0]?.reasons[0]?.message ?? '') ?? []
  const approved = (value: string) =>
    actionTexts(
      planFor(wasteful({ nodeGroups: [group({ costOptimization }, {}, { [annotations.approve]: value })] })),
    )
  t.strictSame(approved(name), ['replace node-1'])
  t.strictSame(approved('yes'), [])
})

const newcomer = (phase: 'Provisioning' | 'Ready') =>
  vpsieNode('workers-new', {
    metadata: {
      creationTimestamp: ago(60),
      annotations: { [annotations.replaces]: 'node-1' },
    },
    status: { phase, nodeName: phase === 'Ready' ? 'workers-new' : '' },
  })

t.test('the old node waits, untouched, until the new one can take its pods', async (t) => {
  const plan = planFor(wasteful({ vpsieNodes: [newcomer('Provisioning')] }))
  t.equal(nodeVerdict(plan), 'replace Replaced')
  t.strictSame(plan.actions, [])
})

t.test('once the new node is ready the old one goes, however full, and the new one stays', async (t) => {
  const plan = planFor(wasteful({ nodes: [dear(), node('workers-new')], vpsieNodes: [newcomer('Ready')] }))
  t.strictSame(actionTexts(plan), ['remove node-1'])
  t.match(plan.nodes, [
    {
      node: 'node-1',
      verdict: 'remove',
      moves: [{ pod: 'default/a', to: 'workers-new' }],
      reasons: [{ code: 'Replaced' }],
    },
    { node: 'workers-new', verdict: 'keep', reasons: [{ code: 'UpcomingPods', object: 'node-1' }] },
  ])
})

t.test('nothing is replaced by what it is already', async (t) => {
  const plan = planFor(
    wasteful({
      nodeGroups: [group({ costOptimization: { enabled: true, minMonthlySavings: 0 } })],
      nodes: [node()],
    }),
  )
  t.strictSame(actionTexts(plan), [])
})
