import t from 'tap'
import type { NodeGroupSpec } from '../../../common/api/nodegroup.ts'
import { toTimestamp } from '../../../common/clock.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'
import {
  autoscalerConfig,
  daemonSet,
  node,
  nodeGroup,
  pod,
  requests,
  vpsieNode,
} from '../../fixtures/objects.ts'
import { actionTexts, decidedAt, offering, planFor, podVerdict } from '../../fixtures/state.ts'

const pods = (count: number, cpu = '1', memory = '1Gi') =>
  Array.from({ length: count }, (_, i) => pod(`pod-${i + 1}`, { requests: requests(cpu, memory) }))
const group = (spec: Partial<NodeGroupSpec>, name = 'workers') => nodeGroup(name, { spec })
const both = { offerings: [offering('small'), offering('large')] }
const ago = (seconds: number) => toTimestamp(decidedAt - seconds * 1000)
const waitingSince = (seconds: number) => ({
  phase: 'Pending' as const,
  conditions: [
    { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', lastTransitionTime: ago(seconds) },
  ],
})
const coming = (name: string, seconds = 60) =>
  vpsieNode(name, {
    metadata: { creationTimestamp: ago(seconds) },
    spec: { vpsieInstanceID: 0, vpsieNodeIdentifier: '' },
    status: { phase: 'Provisioning', nodeName: '' },
  })

const purchases: { title: string; state: Partial<ClusterState>; args?: string[]; actions: string[] }[] = [
  { title: 'nothing is bought for no pods', state: {}, actions: [] },
  { title: 'one node for one pod', state: { pods: pods(1) }, actions: ['create 1 small'] },
  { title: 'all nodes at once', state: { pods: pods(9) }, actions: ['create 5 small'] },
  {
    title: 'never more than maxNodes',
    state: { pods: pods(9), nodeGroups: [group({ maxNodes: 2 })] },
    actions: ['create 2 small'],
  },
  {
    title: 'machines that leave still count against maxNodes',
    state: {
      pods: pods(1),
      nodes: [
        node('node-1', {
          spec: { taints: [{ key: 'autoscaler.vpsie.com/disrupted', effect: 'NoSchedule' }] },
        }),
      ],
      nodeGroups: [group({ maxNodes: 1 })],
    },
    actions: [],
  },
  {
    title: 'the cheaper of two sizes, if it holds the pod',
    state: { ...both, pods: pods(1), nodeGroups: [group({ offeringIDs: ['large', 'small'] })] },
    actions: ['create 1 small'],
  },
  {
    title: 'the larger one if only it does',
    state: { ...both, pods: pods(1, '3'), nodeGroups: [group({ offeringIDs: ['small', 'large'] })] },
    actions: ['create 1 large'],
  },
  {
    title: 'the mixture that costs least: eight cores in one large, the rest in a small',
    state: { ...both, pods: pods(10), nodeGroups: [group({ offeringIDs: ['small', 'large'] })] },
    actions: ['create 1 large', 'create 1 small'],
  },
  {
    title: 'one size where mixing is not allowed',
    state: {
      ...both,
      pods: pods(10),
      nodeGroups: [group({ offeringIDs: ['small', 'large'], allowMixedInstances: false })],
    },
    actions: ['create 2 large'],
  },
  {
    title: 'the size that is there where mixing is not allowed',
    state: {
      ...both,
      nodes: [node('node-1', { spec: { unschedulable: true } })],
      pods: pods(8),
      nodeGroups: [group({ offeringIDs: ['small', 'large'], allowMixedInstances: false })],
    },
    actions: ['create 4 small'],
  },
  {
    title: 'the preferred of two equally good sizes',
    state: {
      offerings: [offering('a'), offering('b')],
      pods: pods(1),
      nodeGroups: [group({ offeringIDs: ['a', 'b'], preferredInstanceType: 'b' })],
    },
    actions: ['create 1 b'],
  },
  {
    title: 'the group of higher priority, though it costs more',
    state: {
      ...both,
      pods: pods(1),
      nodeGroups: [group({}), group({ offeringIDs: ['large'], priority: 10 }, 'vip')],
    },
    actions: ['create 1 large'],
  },
  {
    title: 'the next group once the first is full',
    state: {
      ...both,
      pods: pods(10),
      nodeGroups: [group({}), group({ offeringIDs: ['large'], priority: 10, maxNodes: 1 }, 'vip')],
    },
    actions: ['create 1 large', 'create 1 small'],
  },
  {
    title: 'room for the DaemonSets that will land there',
    state: { pods: pods(2), daemonSets: [daemonSet()] },
    actions: ['create 2 small'],
  },
  {
    title: 'no room for a DaemonSet that will not',
    state: {
      pods: pods(2),
      daemonSets: [
        daemonSet('gpu', requests('1', '1Gi'), {
          spec: { selector: {}, template: { spec: { containers: [], nodeSelector: { gpu: 'yes' } } } },
        }),
      ],
    },
    actions: ['create 1 small'],
  },
  {
    title: 'a node that offers less than the list says corrects it',
    state: {
      nodes: [
        node('node-1', {
          spec: { unschedulable: true },
          status: { allocatable: { cpu: '1500m', memory: '3Gi', pods: '110' } },
        }),
      ],
      pods: pods(2),
    },
    actions: ['create 2 small'],
  },
  {
    title: 'a machine on its way takes the pod',
    state: { vpsieNodes: [coming('workers-1')], pods: pods(2) },
    actions: [],
  },
  {
    title: 'and no more than it can hold',
    state: { vpsieNodes: [coming('workers-1')], pods: pods(3) },
    actions: ['create 1 small'],
  },
  {
    title: 'nobody waits for one that is overdue',
    state: { vpsieNodes: [coming('workers-1', 3600)], pods: pods(1) },
    actions: ['create 1 small', 'remove workers-1'],
  },
  {
    title: 'a group below its minimum is raised',
    state: { nodeGroups: [group({ minNodes: 2 })] },
    actions: ['raiseToMin 2 small'],
  },
  {
    title: 'and its new nodes serve the pods that wait',
    state: { pods: pods(3), nodeGroups: [group({ minNodes: 3 })] },
    actions: ['raiseToMin 3 small'],
  },
  {
    title: 'a group whose scale-up is off is still raised',
    state: { pods: pods(9), nodeGroups: [group({ minNodes: 1, scaleUpPolicy: { enabled: false } })] },
    actions: ['raiseToMin 1 small'],
  },
  {
    title: 'headroom is bought',
    state: { nodeGroups: [group({ headroom: { pods: 2, requests: { cpu: '1500m' } } })] },
    actions: ['create 2 small'],
  },
  {
    title: 'nothing while paused',
    state: { pods: pods(1), autoscalerConfig: autoscalerConfig({ globalSettings: { paused: true } }) },
    actions: [],
  },
  {
    title: 'the next size when VPSie has refused one',
    state: {
      ...both,
      pods: pods(1),
      nodeGroups: [group({ offeringIDs: ['small', 'large'] })],
      backoffs: [
        { offering: 'small', datacenterID: 'dc-1', until: decidedAt + 60_000, reason: 'out of stock' },
      ],
    },
    actions: ['create 1 large'],
  },
  {
    title: 'the refused one again when its time is over',
    state: {
      pods: pods(1),
      backoffs: [{ offering: 'small', datacenterID: 'dc-1', until: decidedAt, reason: 'out of stock' }],
    },
    actions: ['create 1 small'],
  },
]

for (const { title, state, args = [], actions } of purchases) {
  t.test(`buys: ${title}`, async (t) => {
    t.strictSame(actionTexts(planFor(state, ...args)), actions)
  })
}

const verdicts: { title: string; state: Partial<ClusterState>; args?: string[]; verdict: string }[] = [
  {
    title: 'a pod with a node',
    state: { pods: [pod('pod-1', { spec: { nodeName: 'node-1' } })] },
    verdict: 'bound Bound',
  },
  {
    title: 'a pod that fits on a node as it is',
    state: { nodes: [node()], pods: pods(1) },
    verdict: 'fits FitsExisting',
  },
  {
    title: 'a pod that fits on a machine on its way',
    state: { vpsieNodes: [coming('workers-1')], pods: pods(1) },
    verdict: 'fits FitsUpcoming',
  },
  { title: 'a pod that gets a node', state: { pods: pods(1) }, verdict: 'scaleUp NewNode' },
  {
    title: 'a pod the scheduler has not looked at',
    state: { pods: [pod('pod-1', { status: { phase: 'Pending', conditions: [] } })] },
    verdict: 'ignored NotUnschedulable',
  },
  {
    title: 'a pod below the cutoff',
    state: { pods: [pod('pod-1', { spec: { priority: -11 } })] },
    verdict: 'ignored Expendable',
  },
  {
    title: 'a pod at the cutoff',
    state: { pods: [pod('pod-1', { spec: { priority: -10 } })] },
    verdict: 'scaleUp NewNode',
  },
  {
    title: 'a pod younger than the delay',
    state: { pods: [pod('pod-1', { status: waitingSince(9) })] },
    args: ['--new-pod-scale-up-delay=10s'],
    verdict: 'ignored TooYoung',
  },
  {
    title: 'a pod as old as the delay',
    state: { pods: [pod('pod-1', { status: waitingSince(10) })] },
    args: ['--new-pod-scale-up-delay=10s'],
    verdict: 'scaleUp NewNode',
  },
  {
    title: 'a pod younger than its group is patient',
    state: {
      pods: [pod('pod-1', { status: waitingSince(59) })],
      nodeGroups: [group({ scaleUpPolicy: { stabilizationWindowSeconds: 60 } })],
    },
    verdict: 'unschedulable TooYoung',
  },
  {
    title: 'a gated pod',
    state: { pods: [pod('pod-1', { spec: { schedulingGates: [{ name: 'wait' }] } })] },
    verdict: 'ignored SchedulingGates',
  },
  {
    title: 'a pod with resource claims',
    state: { pods: [pod('pod-1', { spec: { resourceClaims: [{ name: 'gpu' }] } })] },
    verdict: 'ignored DynamicResources',
  },
  {
    title: 'a pod larger than every size',
    state: { pods: pods(1, '3') },
    verdict: 'unschedulable NoGroupFits NodeResourcesFit',
  },
  {
    title: 'a pod without any group',
    state: { nodeGroups: [], pods: pods(1) },
    verdict: 'unschedulable NoGroupFits',
  },
  {
    title: 'a pod that does not tolerate the taints of the group',
    state: {
      pods: pods(1),
      nodeGroups: [group({ taints: [{ key: 'team', value: 'a', effect: 'NoSchedule' }] })],
    },
    verdict: 'unschedulable NoGroupFits TaintToleration',
  },
  {
    title: 'startup taints keep nobody away',
    state: { pods: pods(1), nodeGroups: [group({ startupTaints: [{ key: 'cni', effect: 'NoSchedule' }] })] },
    verdict: 'scaleUp NewNode',
  },
  {
    title: 'a selector of a label that the group gives',
    state: {
      pods: [pod('pod-1', { spec: { nodeSelector: { disk: 'ssd' } } })],
      nodeGroups: [group({ labels: { disk: 'ssd' } })],
    },
    verdict: 'scaleUp NewNode',
  },
  {
    title: 'a full group',
    state: { pods: pods(1), nodeGroups: [group({ maxNodes: 1 })], vpsieNodes: [coming('workers-1', 3600)] },
    verdict: 'unschedulable GroupAtMax',
  },
  {
    title: 'a full cluster',
    state: { pods: pods(1), nodes: [node('node-1', { spec: { unschedulable: true } })] },
    args: ['--max-cluster-workers=1'],
    verdict: 'unschedulable ClusterAtMax',
  },
  {
    title: 'the cost limit of its group',
    state: { pods: pods(1), nodeGroups: [group({ maxMonthlyCost: 9.99 })] },
    verdict: 'unschedulable CostLimit',
  },
  {
    title: 'exactly the cost limit',
    state: { pods: pods(1), nodeGroups: [group({ maxMonthlyCost: 10 })] },
    verdict: 'scaleUp NewNode',
  },
  {
    title: 'the cost limit of all groups',
    state: { pods: pods(1) },
    args: ['--max-monthly-cost=9'],
    verdict: 'unschedulable CostLimit',
  },
  {
    title: 'a size that VPSie refused lately',
    state: {
      pods: pods(1),
      backoffs: [{ offering: 'small', datacenterID: 'dc-1', until: decidedAt + 1, reason: 'out of stock' }],
    },
    verdict: 'unschedulable BackedOff',
  },
  {
    title: 'a size that is not on sale',
    state: { pods: pods(1), offerings: [offering('small', { available: false })] },
    verdict: 'unschedulable BackedOff',
  },
  {
    title: 'a group in rehearsal',
    state: { pods: pods(1), nodeGroups: [group({ dryRun: true })] },
    verdict: 'unschedulable DryRun',
  },
  {
    title: 'a group that has just grown',
    state: { pods: pods(1), nodeGroups: [nodeGroup('workers', { status: { lastScaleUpTime: ago(59) } })] },
    args: ['--scale-up-cooldown=1m'],
    verdict: 'unschedulable Cooldown',
  },
  {
    title: 'a paused cluster',
    state: { pods: pods(1), autoscalerConfig: autoscalerConfig({ globalSettings: { paused: true } }) },
    verdict: 'unschedulable Paused',
  },
]

for (const { title, state, args = [], verdict } of verdicts) {
  t.test(`tells: ${title}`, async (t) => {
    t.equal(podVerdict(planFor(state, ...args)), verdict)
  })
}

t.test('hostname anti-affinity takes one node for each pod, all in one plan', async (t) => {
  const podAntiAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels: { app: 'app' } }, topologyKey: 'kubernetes.io/hostname' },
    ],
  }
  const apart = Array.from({ length: 7 }, (_, i) =>
    pod(`pod-${i}`, { spec: { affinity: { podAntiAffinity } } }),
  )
  const plan = planFor({ pods: apart })
  t.strictSame(actionTexts(plan), ['create 7 small'])
  t.strictSame(
    plan.newNodes.map(({ pods }) => pods.length),
    Array(7).fill(1),
  )
})

t.test('a hard spread over zones is served in all of them', async (t) => {
  const topologySpreadConstraints = [
    {
      maxSkew: 1,
      topologyKey: 'topology.kubernetes.io/zone',
      whenUnsatisfiable: 'DoNotSchedule' as const,
      labelSelector: { matchLabels: { app: 'app' } },
    },
  ]
  const spread = Array.from({ length: 6 }, (_, i) => pod(`pod-${i}`, { spec: { topologySpreadConstraints } }))
  const multiRegion = { enabled: true, datacenterIDs: ['dc-1', 'dc-2', 'dc-3'] }
  const plan = planFor({ pods: spread, nodeGroups: [group({ provisioner: 'vm', multiRegion })] })
  t.strictSame(plan.newNodes.map(({ datacenter, pods }) => `${datacenter} ${pods.length}`).sort(), [
    'dc-1 2',
    'dc-2 2',
    'dc-3 2',
  ])
})

t.test('50000 pods of two shapes take exactly the nodes of the closed form, in one decision', async (t) => {
  const template = offering('small', { allocatable: { cpu: '1', memory: '5000Mi', pods: '100' } })
  const one = pod('pod-a', { requests: requests('50m', '100') })
  const two = pod('pod-b', { requests: requests('95m', '190') })
  const named = (from: typeof one, i: number) => ({
    ...from,
    metadata: { ...from.metadata, name: `${from.metadata.name}-${i}` },
  })
  const many = [
    ...Array.from({ length: 50_000 }, (_, i) => named(one, i)),
    ...Array.from({ length: 1000 }, (_, i) => named(two, i)),
  ]
  const plan = planFor({ pods: many, offerings: [template], nodeGroups: [group({ maxNodes: 3000 })] })
  t.strictSame(actionTexts(plan), ['create 2595 small'])
})

t.test('the plan says what every part costs', async (t) => {
  const plan = planFor({ nodes: [node()], pods: pods(5) })
  t.strictSame(plan.monthlyCost, { now: 10, planned: 30 })
  t.match(plan.groups, [{ nodeGroup: 'kube-system/workers', current: 1, target: 3, monthlyCost: 30 }])
  t.match(plan.actions, [
    { type: 'create', count: 2, monthlyCost: 20, datacenter: 'dc-1', reason: 'ScaleUp' },
  ])
  t.equal(plan.at, toTimestamp(decidedAt))
})

const spareRoom = { pods: 1, requests: { cpu: '1500m' } }
for (const { title, waiting, minNodes, reasons } of [
  { title: 'its headroom, where no pod waits', waiting: 0, minNodes: 0, reasons: ['Headroom'] },
  { title: 'both, where pods fill another node', waiting: 2, minNodes: 0, reasons: ['Headroom', 'ScaleUp'] },
  { title: 'its minimum, where its headroom fits on that', waiting: 0, minNodes: 1, reasons: ['BelowMin'] },
])
  t.test(`a group says that it grows for ${title}`, async (t) => {
    const plan = planFor({ pods: pods(waiting), nodeGroups: [group({ minNodes, headroom: spareRoom })] })
    t.same(
      plan.actions.map(({ reason }) => reason),
      reasons,
    )
    t.same(
      plan.groups[0]?.reasons.map(({ code }) => code),
      reasons,
    )
  })

t.test('a paused group below its minimum says so', async (t) => {
  const plan = planFor({
    nodeGroups: [group({ minNodes: 1 })],
    autoscalerConfig: autoscalerConfig({ globalSettings: { paused: true } }),
  })
  t.match(plan.groups, [
    { current: 0, target: 0, reasons: [{ code: 'BelowMin' }, { code: 'Paused' }, { code: 'Steady' }] },
  ])
})

t.test(
  'pods that need a node each are filled up with the others, not left alone beside a full giant',
  async (t) => {
    const podAntiAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app: 'apart' } }, topologyKey: 'kubernetes.io/hostname' },
      ],
    }
    const apart = Array.from({ length: 4 }, (_, i) =>
      pod(`apart-${i}`, { metadata: { labels: { app: 'apart' } }, spec: { affinity: { podAntiAffinity } } }),
    )
    const others = pods(4, '1900m')
    const plan = planFor({
      ...both,
      pods: [...apart, ...others],
      nodeGroups: [group({ offeringIDs: ['small', 'large'] })],
    })
    t.strictSame(actionTexts(plan), ['create 4 small'])
  },
)
