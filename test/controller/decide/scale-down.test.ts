import t from 'tap'
import { annotations, labels, taints } from '../../../common/api/names.ts'
import type { NodeGroupSpec } from '../../../common/api/nodegroup.ts'
import { toTimestamp } from '../../../common/clock.ts'
import type { Pod } from '../../../common/kube/objects.ts'
import type { ClusterState, NodeUsage } from '../../../controller/decide/state.ts'
import {
  autoscalerConfig,
  boundPod,
  node,
  nodeGroup,
  pod,
  podDisruptionBudget,
  requests,
  vpsieNode,
} from '../../fixtures/objects.ts'
import { actionTexts, decidedAt, nodeVerdict, planFor } from '../../fixtures/state.ts'

const ago = (seconds: number) => toTimestamp(decidedAt - seconds * 1000)
const unneeded = (name = 'node-1', seconds = 600) =>
  node(name, { metadata: { annotations: { [annotations.unneededSince]: ago(seconds) } } })
const group = (spec: Partial<NodeGroupSpec>, status = {}) =>
  nodeGroup('workers', { spec: { disruption: { maxUnavailable: '100%' }, ...spec }, status })
const half = requests('1', '2Gi')
const notReady = (seconds: number) => ({
  conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: ago(seconds) }],
  allocatable: { cpu: '2', memory: '4Gi', pods: '110' },
})
const usage = (over: Partial<NodeUsage> = {}) =>
  new Map([
    [
      'node-1',
      { node: 'node-1', cpuPercent: 10, memoryPercent: 10, coverage: 1, since: decidedAt - 600_000, ...over },
    ],
  ])
const marked = (metadata: Pod['metadata'] | object) =>
  node('node-1', {
    metadata: {
      ...metadata,
      annotations: {
        [annotations.unneededSince]: ago(600),
        ...('annotations' in metadata ? metadata.annotations : {}),
      },
    },
  })

/** Every case is about node-1; unless said otherwise it is empty, unneeded for long enough, and free to go. */
const verdicts: { title: string; state: Partial<ClusterState>; args?: string[]; verdict: string }[] = [
  { title: 'an empty node', state: { nodes: [unneeded()] }, verdict: 'remove Empty' },
  {
    title: 'a node with only DaemonSet pods',
    state: {
      nodes: [unneeded()],
      pods: [boundPod('d', 'node-1', { owner: { kind: 'DaemonSet', name: 'd' } })],
    },
    verdict: 'remove Empty',
  },
  {
    title: 'a node with only finished pods',
    state: { nodes: [unneeded()], pods: [boundPod('d', 'node-1', { status: { phase: 'Succeeded' } })] },
    verdict: 'remove Empty',
  },
  {
    title: 'a node whose pods fit elsewhere',
    state: { nodes: [unneeded(), node('node-2')], pods: [boundPod('a', 'node-1')] },
    verdict: 'remove Underused',
  },
  {
    title: 'a node that has been unneeded for too short a time',
    state: { nodes: [unneeded('node-1', 599)] },
    verdict: 'keep NotUnneededLongEnough',
  },
  {
    title: 'a node nobody has noted as unneeded',
    state: { nodes: [node()] },
    verdict: 'keep NotUnneededLongEnough',
  },
  {
    title: 'a node above the threshold',
    state: {
      nodes: [unneeded(), node('node-2')],
      pods: [boundPod('a', 'node-1', { requests: requests('1001m', '1Gi') })],
    },
    verdict: 'keep AboveThreshold',
  },
  {
    title: 'a node at the threshold',
    state: { nodes: [unneeded(), node('node-2')], pods: [boundPod('a', 'node-1', { requests: half })] },
    verdict: 'remove Underused',
  },
  {
    title: 'DaemonSets do not make a node busy',
    state: {
      nodes: [unneeded()],
      pods: [
        boundPod('d', 'node-1', {
          owner: { kind: 'DaemonSet', name: 'd' },
          requests: requests('1900m', '3Gi'),
        }),
      ],
    },
    verdict: 'remove Empty',
  },
  {
    title: 'the threshold of the options, where the group has none',
    state: { nodes: [unneeded(), node('node-2')], pods: [boundPod('a', 'node-1')] },
    args: ['--scale-down-utilization-threshold=0.01'],
    verdict: 'keep AboveThreshold AboveThreshold',
  },
  {
    title: 'pods that fit nowhere',
    state: { nodes: [unneeded()], pods: [boundPod('a', 'node-1')] },
    verdict: 'keep NoPlaceToMove',
  },
  {
    title: 'expendable pods need no place',
    state: { nodes: [unneeded()], pods: [boundPod('a', 'node-1', { spec: { priority: -11 } })] },
    verdict: 'remove Underused',
  },
  {
    title: 'a machine on its way is no place',
    state: {
      nodes: [unneeded()],
      pods: [boundPod('a', 'node-1')],
      vpsieNodes: [
        vpsieNode('workers-9', {
          metadata: { creationTimestamp: ago(10) },
          status: { phase: 'Provisioning', nodeName: '' },
        }),
      ],
    },
    verdict: 'keep NoPlaceToMove',
  },
  {
    title: 'a node without a group',
    state: { nodes: [node('node-1', { metadata: { labels: { [labels.nodeGroup]: 'other' } } })] },
    verdict: 'keep NotManaged',
  },
  {
    title: 'a node of the control plane',
    state: {
      nodes: [node('node-1', { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } })],
    },
    verdict: 'keep ControlPlane',
  },
  {
    title: 'a protected node',
    state: { nodes: [marked({ annotations: { [annotations.protected]: 'true' } })] },
    verdict: 'keep Protected',
  },
  {
    title: "a node under Karpenter's annotation",
    state: { nodes: [marked({ annotations: { 'karpenter.sh/do-not-disrupt': 'true' } })] },
    verdict: 'keep Protected',
  },
  {
    title: "a node under Cluster Autoscaler's annotation",
    state: {
      nodes: [marked({ annotations: { 'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'true' } })],
    },
    verdict: 'keep ScaleDownDisabled',
  },
  {
    title: "a node under the group's label",
    state: { nodes: [marked({ labels: { [labels.scaleDownDisabled]: 'true' } })] },
    verdict: 'keep ScaleDownDisabled',
  },
  {
    title: 'a group that does not shrink',
    state: { nodes: [unneeded()], nodeGroups: [group({ scaleDownPolicy: { enabled: false } })] },
    verdict: 'keep ScaleDownDisabled',
  },
  {
    title: 'an autoscaler that does not shrink',
    state: { nodes: [unneeded()] },
    args: ['--scale-down-enabled=false'],
    verdict: 'keep ScaleDownDisabled',
  },
  {
    title: 'usage below the thresholds',
    state: { nodes: [unneeded()], usage: usage() },
    verdict: 'remove Empty',
  },
  {
    title: 'no report of its agent',
    state: { nodes: [unneeded()], usage: new Map() },
    verdict: 'keep UsageUnknown',
  },
  {
    title: 'reports with too many gaps',
    state: { nodes: [unneeded()], usage: usage({ coverage: 0.79 }) },
    verdict: 'keep UsageUnknown',
  },
  {
    title: 'reports with just few enough gaps',
    state: { nodes: [unneeded()], usage: usage({ coverage: 0.8 }) },
    verdict: 'remove Empty',
  },
  {
    title: 'high usage',
    state: { nodes: [unneeded()], usage: usage({ memoryPercent: 51 }) },
    verdict: 'keep UsageHigh',
  },
  {
    title: 'usage that fell only lately',
    state: { nodes: [unneeded()], usage: usage({ since: decidedAt - 599_000 }) },
    verdict: 'keep NotUnneededLongEnough',
  },
  {
    title: 'memory pressure',
    state: { nodes: [unneeded()], usage: usage({ memoryFull: 0.011 }) },
    verdict: 'keep MemoryPressure',
  },
  {
    title: 'a little memory pressure',
    state: { nodes: [unneeded()], usage: usage({ memoryFull: 0.01 }) },
    verdict: 'remove Empty',
  },
  {
    title: 'a young node',
    state: { nodes: [marked({ creationTimestamp: ago(599) })] },
    verdict: 'keep TooYoung',
  },
  {
    title: 'a group at its minimum',
    state: { nodes: [unneeded()], nodeGroups: [group({ minNodes: 1 })] },
    verdict: 'keep AtMin',
  },
  {
    title: 'a group that has just shrunk',
    state: { nodes: [unneeded()], nodeGroups: [group({}, { lastScaleDownTime: ago(599) })] },
    verdict: 'keep Cooldown',
  },
  {
    title: 'a group that has just grown',
    state: { nodes: [unneeded()], nodeGroups: [group({}, { lastScaleUpTime: ago(599) })] },
    verdict: 'keep Cooldown',
  },
  {
    title: 'another group that has just grown, where the config says so',
    state: {
      nodes: [unneeded()],
      nodeGroups: [group({}), nodeGroup('other', { status: { lastScaleTime: ago(59) } })],
      autoscalerConfig: autoscalerConfig({ globalSettings: { scaleDownCooldownSeconds: 60 } }),
    },
    verdict: 'keep Cooldown',
  },
  {
    title: 'a group that grows in this very plan',
    state: {
      nodes: [unneeded()],
      pods: [pod('pod-1', { spec: { nodeSelector: { disk: 'ssd' } } })],
      nodeGroups: [group({ labels: { disk: 'ssd' } })],
    },
    verdict: 'keep Cooldown',
  },
  {
    title: 'a node that pods are about to use',
    state: { nodes: [unneeded()], pods: [pod()] },
    verdict: 'keep UpcomingPods',
  },
  {
    title: 'a budget of none',
    state: { nodes: [unneeded()], nodeGroups: [group({ disruption: { maxUnavailable: 0 } })] },
    verdict: 'keep BudgetExhausted',
  },
  {
    title: 'a window that is closed',
    state: {
      nodes: [unneeded()],
      nodeGroups: [group({ disruption: { windows: [{ schedule: '0 3 * * *', durationSeconds: 3600 }] } })],
    },
    verdict: 'keep OutsideWindow',
  },
  {
    title: 'a window that is open',
    state: {
      nodes: [unneeded()],
      nodeGroups: [group({ disruption: { windows: [{ schedule: '30 23 * * *', durationSeconds: 3600 }] } })],
    },
    verdict: 'remove Empty',
  },
  {
    title: 'hours of its own that are over',
    state: { nodes: [marked({ annotations: { [annotations.scaleDownAllowedHours]: '01:00-05:00' } })] },
    verdict: 'keep OutsideWindow',
  },
  {
    title: 'a paused cluster',
    state: { nodes: [unneeded()], autoscalerConfig: autoscalerConfig({ globalSettings: { paused: true } }) },
    verdict: 'keep Paused',
  },
  {
    title: 'a rehearsal',
    state: { nodes: [unneeded()], nodeGroups: [group({ dryRun: true })] },
    verdict: 'keep DryRun',
  },
  {
    title: 'a PodDisruptionBudget that allows it',
    state: {
      nodes: [unneeded(), node('node-2')],
      pods: [boundPod('a', 'node-1')],
      podDisruptionBudgets: [podDisruptionBudget()],
    },
    verdict: 'remove Underused',
  },
  {
    title: 'one that does not',
    state: {
      nodes: [unneeded(), node('node-2')],
      pods: [boundPod('a', 'node-1')],
      podDisruptionBudgets: [podDisruptionBudget('app', { status: { disruptionsAllowed: 0 } })],
    },
    verdict: 'keep PodDisruptionBudget',
  },
  {
    title: 'one that allows fewer than the node has',
    state: {
      nodes: [unneeded(), node('node-2')],
      pods: [boundPod('a', 'node-1'), boundPod('b', 'node-1')],
      podDisruptionBudgets: [podDisruptionBudget()],
    },
    verdict: 'keep PodDisruptionBudget',
  },
  {
    title: 'two of them',
    state: {
      nodes: [unneeded(), node('node-2')],
      pods: [boundPod('a', 'node-1')],
      podDisruptionBudgets: [podDisruptionBudget('app'), podDisruptionBudget('too')],
    },
    verdict: 'keep PodDisruptionBudget',
  },
  {
    title: 'one whose controller lags behind',
    state: {
      nodes: [unneeded(), node('node-2')],
      pods: [boundPod('a', 'node-1')],
      podDisruptionBudgets: [podDisruptionBudget('app', { metadata: { generation: 2 } })],
    },
    verdict: 'keep PodDisruptionBudget',
  },
  {
    title: 'a node that is leaving already',
    state: {
      nodes: [node('node-1', { spec: { taints: [{ key: taints.disrupted, effect: 'NoSchedule' }] } })],
    },
    verdict: 'keep AlreadyLeaving',
  },
  {
    title: 'a node that is not ready for a short time',
    state: { nodes: [node('node-1', { status: notReady(1199) })] },
    verdict: 'keep NotUnneededLongEnough',
  },
  {
    title: 'a dead node',
    state: { nodes: [node('node-1', { status: notReady(1200) })] },
    verdict: 'remove Dead',
  },
  {
    title: 'a dead node of a group at its minimum, which is made up for',
    state: { nodes: [node('node-1', { status: notReady(1200) })], nodeGroups: [group({ minNodes: 1 })] },
    verdict: 'remove Dead',
  },
  {
    title: 'too many dead nodes',
    state: { nodes: [1, 2, 3, 4].map((i) => node(`node-${i}`, { status: notReady(1200) })) },
    verdict: 'keep ClusterUnhealthy',
  },
]

for (const { title, state, args = [], verdict } of verdicts) {
  t.test(`${verdict}: ${title}`, async (t) => {
    t.equal(nodeVerdict(planFor({ nodeGroups: [group({})], ...state }, ...args)), verdict)
  })
}

t.test('every pod that moves has a named destination', async (t) => {
  const plan = planFor({
    nodeGroups: [group({})],
    nodes: [unneeded(), node('node-2')],
    pods: [boundPod('b', 'node-1'), boundPod('a', 'node-1')],
  })
  t.match(plan.nodes[0], {
    evict: ['default/a', 'default/b'],
    moves: [
      { pod: 'default/a', to: 'node-2' },
      { pod: 'default/b', to: 'node-2' },
    ],
  })
  t.match(plan.actions, [{ type: 'remove', nodes: ['node-1'], monthlyCost: -10, reason: 'Underused' }])
})

t.test('of two half-empty nodes one goes, and the one that takes its pods stays', async (t) => {
  const plan = planFor({
    nodeGroups: [group({})],
    nodes: [unneeded('node-1'), unneeded('node-2')],
    pods: [boundPod('a', 'node-1', { requests: half }), boundPod('b', 'node-2', { requests: half })],
  })
  t.strictSame(plan.nodes.map(({ verdict, reasons }) => `${verdict} ${reasons[0]?.code}`).sort(), [
    'keep UpcomingPods',
    'remove Underused',
  ])
})

t.test('a budget holds for all removals of a plan together', async (t) => {
  const nodes = Array.from({ length: 10 }, (_, i) => unneeded(`node-${i}`))
  const plan = planFor({ nodes, nodeGroups: [group({ disruption: { maxUnavailable: '11%' } })] })
  t.equal(plan.actions[0]?.nodes?.length, 2, 'a percentage is rounded up')
  t.equal(plan.nodes.filter(({ reasons }) => reasons[0]?.code === 'BudgetExhausted').length, 8)
})

t.test('PodDisruptionBudgets hold for all removals of a plan together', async (t) => {
  const plan = planFor({
    nodeGroups: [group({})],
    nodes: [unneeded('node-1'), unneeded('node-2'), node('node-3')],
    pods: [
      boundPod('a', 'node-1'),
      boundPod('b', 'node-2'),
      boundPod('c', 'node-3', { requests: requests('1500m', '1Gi') }),
    ],
    podDisruptionBudgets: [podDisruptionBudget()],
  })
  t.equal(plan.nodes.filter(({ verdict }) => verdict === 'remove').length, 1)
})

t.test('a removal never breaks the spread of the pods it moves', async (t) => {
  const topologySpreadConstraints = [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule' as const,
      labelSelector: { matchLabels: { app: 'app' } },
    },
  ]
  const plan = planFor({
    nodeGroups: [group({})],
    nodes: [unneeded('node-1'), node('node-2')],
    pods: [
      boundPod('a', 'node-1', { spec: { topologySpreadConstraints } }),
      boundPod('b', 'node-2', { spec: { topologySpreadConstraints } }),
    ],
  })
  t.match(plan.nodes[0]?.reasons, [{ code: 'NoPlaceToMove', message: /PodTopologySpread/ }])
})

t.test('headroom keeps the node it is on, unless it fits elsewhere', async (t) => {
  const headroom = { pods: 1, requests: { cpu: '1500m' } }
  t.equal(
    nodeVerdict(planFor({ nodeGroups: [group({ headroom })], nodes: [unneeded()] })),
    'keep NoPlaceToMove',
  )
  const two = planFor({ nodeGroups: [group({ headroom })], nodes: [unneeded('node-1'), unneeded('node-2')] })
  t.equal(two.nodes.filter(({ verdict }) => verdict === 'remove').length, 1)
})

t.test('empty nodes go before those with pods', async (t) => {
  const plan = planFor({
    nodes: [unneeded('node-1'), unneeded('node-2'), node('node-3')],
    pods: [boundPod('a', 'node-1')],
    nodeGroups: [group({ minNodes: 2 })],
  })
  t.strictSame(actionTexts(plan), ['remove node-2'])
})

t.test('a dead node is replaced in the same plan', async (t) => {
  const plan = planFor({
    nodes: [node('node-1', { status: notReady(1200) })],
    nodeGroups: [group({ minNodes: 1 })],
  })
  t.strictSame(actionTexts(plan), ['raiseToMin 1 small', 'remove node-1'])
})

t.test('a node that waits says since when and until when', async (t) => {
  const [decision] = planFor({ nodeGroups: [group({})], nodes: [unneeded('node-1', 100)] }).nodes
  t.match(decision, { since: ago(100), until: toTimestamp(decidedAt + 500_000) })
})

t.test('a node that is needed has no time to count from', async (t) => {
  const [decision] = planFor({
    nodeGroups: [group({})],
    nodes: [unneeded()],
    pods: [boundPod('a', 'node-1')],
  }).nodes
  t.equal(decision?.since, undefined)
})
