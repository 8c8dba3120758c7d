import t from 'tap'
import type { Node, PersistentVolumeClaim, Pod, PodSpec, Quantities } from '../../../common/kube/objects.ts'
import { fitOf } from '../../../controller/decide/fit-query.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'
import { boundPod, daemonSet, namespace, node, pod, requests } from '../../fixtures/objects.ts'
import { clusterState, decidedAt, decisionOptions } from '../../fixtures/state.ts'

interface Case {
  title: string
  /** Spec of the pod. */
  spec?: Partial<PodSpec>
  requests?: Quantities
  node?: Node
  others?: Pod[]
  state?: Partial<ClusterState>
  /** The plugins that refuse; none if it fits. */
  refusedBy: string[]
}

const zone = 'topology.kubernetes.io/zone'
const host = 'kubernetes.io/hostname'
const inZone = (name: string, value: string) => node(name, { metadata: { labels: { [zone]: value } } })
const affinityTo = (app: string, topologyKey: string) => ({
  requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: { app } }, topologyKey }],
})
const nodeAffinity = (
  key: string,
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt',
  ...values: string[]
) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
      },
    },
  },
})
const labelled = (labels: Record<string, string>) => node('node-1', { metadata: { labels } })
const tainted = (effect: 'NoSchedule' | 'NoExecute' | 'PreferNoSchedule') =>
  node('node-1', { spec: { taints: [{ key: 'team', value: 'a', effect }] } })
const onPort = (hostPort: number, hostIP?: string) => ({
  containers: [{ name: 'c', ports: [{ hostPort, ...(hostIP ? { hostIP } : {}) }] }],
})
const spread = (topologyKey: string, over = {}) => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: 'DoNotSchedule' as const,
      labelSelector: { matchLabels: { app: 'app' } },
      ...over,
    },
  ],
})
const claim = (spec: PersistentVolumeClaim['spec']) => ({
  persistentVolumeClaims: ['data', 'other'].map((name) => ({
    metadata: { name, namespace: 'default' },
    spec,
  })),
})
const using = (claimName: string) => ({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] })
const withClaim = using('data')
const withOtherClaim = using('other')

const cases: Case[] = [
  { title: 'an ordinary pod fits on an empty node', refusedBy: [] },
  { title: 'exactly what is free fits', requests: requests('2', '4Gi'), refusedBy: [] },
  {
    title: 'one millicore more does not',
    requests: requests('2001m', '1Gi'),
    refusedBy: ['NodeResourcesFit'],
  },
  {
    title: 'what other pods request is not free',
    requests: requests('1', '1Gi'),
    others: [boundPod('other', 'node-1', { requests: requests('1500m', '1Gi') })],
    refusedBy: ['NodeResourcesFit'],
  },
  {
    title: 'finished pods take no room',
    requests: requests('1', '1Gi'),
    others: [
      boundPod('other', 'node-1', { requests: requests('1500m', '1Gi'), status: { phase: 'Succeeded' } }),
    ],
    refusedBy: [],
  },
  {
    title: 'pods of a DaemonSet that has not come yet need their room',
    requests: requests('2', '1Gi'),
    state: { daemonSets: [daemonSet()] },
    refusedBy: ['NodeResourcesFit'],
  },
  {
    title: 'a cordoned node takes nothing',
    node: node('node-1', { spec: { unschedulable: true } }),
    refusedBy: ['NodeUnschedulable'],
  },
  { title: 'a NoSchedule taint keeps it away', node: tainted('NoSchedule'), refusedBy: ['TaintToleration'] },
  { title: 'a NoExecute taint too', node: tainted('NoExecute'), refusedBy: ['TaintToleration'] },
  { title: 'a preference does not', node: tainted('PreferNoSchedule'), refusedBy: [] },
  {
    title: 'a toleration of the same value helps',
    node: tainted('NoSchedule'),
    spec: { tolerations: [{ key: 'team', value: 'a' }] },
    refusedBy: [],
  },
  {
    title: 'of another value it does not',
    node: tainted('NoSchedule'),
    spec: { tolerations: [{ key: 'team', value: 'b' }] },
    refusedBy: ['TaintToleration'],
  },
  {
    title: 'of another effect it does not',
    node: tainted('NoSchedule'),
    spec: { tolerations: [{ key: 'team', operator: 'Exists', effect: 'NoExecute' }] },
    refusedBy: ['TaintToleration'],
  },
  {
    title: 'a toleration of everything helps',
    node: tainted('NoExecute'),
    spec: { tolerations: [{ operator: 'Exists' }] },
    refusedBy: [],
  },
  {
    title: 'a node selector must match',
    spec: { nodeSelector: { disk: 'ssd' } },
    refusedBy: ['NodeAffinity'],
  },
  {
    title: 'and does',
    spec: { nodeSelector: { disk: 'ssd' } },
    node: labelled({ disk: 'ssd' }),
    refusedBy: [],
  },
  {
    title: 'In',
    spec: nodeAffinity('disk', 'In', 'ssd', 'nvme'),
    node: labelled({ disk: 'nvme' }),
    refusedBy: [],
  },
  { title: 'NotIn holds for an absent label', spec: nodeAffinity('disk', 'NotIn', 'hdd'), refusedBy: [] },
  {
    title: 'NotIn refuses a named value',
    spec: nodeAffinity('disk', 'NotIn', 'hdd'),
    node: labelled({ disk: 'hdd' }),
    refusedBy: ['NodeAffinity'],
  },
  { title: 'Exists', spec: nodeAffinity('disk', 'Exists'), refusedBy: ['NodeAffinity'] },
  { title: 'DoesNotExist', spec: nodeAffinity('disk', 'DoesNotExist'), refusedBy: [] },
  {
    title: 'Gt compares numbers, not text',
    spec: nodeAffinity('cores', 'Gt', '9'),
    node: labelled({ cores: '16' }),
    refusedBy: [],
  },
  {
    title: 'Lt refuses what is no number',
    spec: nodeAffinity('cores', 'Lt', '9'),
    node: labelled({ cores: 'many' }),
    refusedBy: ['NodeAffinity'],
  },
  {
    title: 'a term without requirements matches no node',
    spec: {
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{}] } },
      },
    },
    refusedBy: ['NodeAffinity'],
  },
  {
    title: 'matchFields names the node',
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-2'] }] },
            ],
          },
        },
      },
    },
    refusedBy: ['NodeAffinity'],
  },
  {
    title: 'a host port that is taken',
    spec: onPort(80),
    others: [boundPod('other', 'node-1', { spec: onPort(80) })],
    refusedBy: ['NodePorts'],
  },
  {
    title: 'another port is free',
    spec: onPort(80),
    others: [boundPod('other', 'node-1', { spec: onPort(81) })],
    refusedBy: [],
  },
  {
    title: 'the same port on another address is free',
    spec: onPort(80, '10.0.0.1'),
    others: [boundPod('other', 'node-1', { spec: onPort(80, '10.0.0.2') })],
    refusedBy: [],
  },
  {
    title: 'all addresses collide with each',
    spec: onPort(80, '0.0.0.0'),
    others: [boundPod('other', 'node-1', { spec: onPort(80, '10.0.0.2') })],
    refusedBy: ['NodePorts'],
  },
  {
    title: 'anti-affinity to a pod on the node',
    spec: { affinity: { podAntiAffinity: affinityTo('db', host) } },
    others: [boundPod('db', 'node-1', { metadata: { labels: { app: 'db' } } })],
    refusedBy: ['InterPodAffinity'],
  },
  {
    title: 'anti-affinity reaches over the whole zone',
    spec: { affinity: { podAntiAffinity: affinityTo('db', zone) } },
    node: inZone('node-1', 'a'),
    state: { nodes: [inZone('node-2', 'a')] },
    others: [boundPod('db', 'node-2', { metadata: { labels: { app: 'db' } } })],
    refusedBy: ['InterPodAffinity'],
  },
  {
    title: 'and not into another namespace',
    spec: { affinity: { podAntiAffinity: affinityTo('db', host) } },
    others: [boundPod('db', 'node-1', { metadata: { namespace: 'other', labels: { app: 'db' } } })],
    refusedBy: [],
  },
  {
    title: 'unless a namespace selector takes it',
    spec: {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            {
              labelSelector: { matchLabels: { app: 'db' } },
              topologyKey: host,
              namespaceSelector: { matchLabels: { team: 'a' } },
            },
          ],
        },
      },
    },
    state: { namespaces: [namespace('other', { metadata: { labels: { team: 'a' } } })] },
    others: [boundPod('db', 'node-1', { metadata: { namespace: 'other', labels: { app: 'db' } } })],
    refusedBy: ['InterPodAffinity'],
  },
  {
    title: 'the anti-affinity of a running pod counts too',
    others: [
      boundPod('db', 'node-1', {
        metadata: { labels: { app: 'db' } },
        spec: { affinity: { podAntiAffinity: affinityTo('app', host) } },
      }),
    ],
    refusedBy: ['InterPodAffinity'],
  },
  {
    title: 'affinity to a pod that is nowhere',
    spec: { affinity: { podAffinity: affinityTo('db', host) } },
    refusedBy: ['InterPodAffinity'],
  },
  {
    title: 'affinity that the pod meets itself, as the first of its kind',
    spec: { affinity: { podAffinity: affinityTo('app', host) } },
    refusedBy: [],
  },
  {
    title: 'and not as the second',
    spec: { affinity: { podAffinity: affinityTo('app', host) } },
    state: { nodes: [node('node-2')] },
    others: [boundPod('other', 'node-2')],
    refusedBy: ['InterPodAffinity'],
  },
  {
    title: 'a spread allows the emptiest domain',
    spec: spread(zone),
    node: inZone('node-1', 'a'),
    state: { nodes: [inZone('node-2', 'b')] },
    others: [boundPod('other', 'node-2')],
    refusedBy: [],
  },
  {
    title: 'and refuses one that would be too far ahead',
    spec: spread(zone),
    node: inZone('node-1', 'a'),
    state: { nodes: [inZone('node-2', 'b')] },
    others: [boundPod('other', 'node-1')],
    refusedBy: ['PodTopologySpread'],
  },
  {
    title: 'a node without the label is no place for it',
    spec: spread(zone),
    refusedBy: ['PodTopologySpread'],
  },
  {
    title: 'too few domains count as an empty one',
    spec: spread(zone, { minDomains: 2 }),
    node: inZone('node-1', 'a'),
    others: [boundPod('other', 'node-1')],
    refusedBy: ['PodTopologySpread'],
  },
  {
    title: 'domains the pod may not use do not count',
    spec: { ...spread(zone), nodeSelector: { [zone]: 'a' } },
    node: inZone('node-1', 'a'),
    state: { nodes: [inZone('node-2', 'b')] },
    others: [boundPod('other', 'node-1')],
    refusedBy: [],
  },
  {
    title: 'unless its policy says so',
    spec: { ...spread(zone, { nodeAffinityPolicy: 'Ignore' }), nodeSelector: { [zone]: 'a' } },
    node: inZone('node-1', 'a'),
    state: { nodes: [inZone('node-2', 'b')] },
    others: [boundPod('other', 'node-1')],
    refusedBy: ['PodTopologySpread'],
  },
  {
    title: 'a soft spread never blocks',
    spec: spread(zone, { whenUnsatisfiable: 'ScheduleAnyway' }),
    refusedBy: [],
  },
  { title: 'a claim that does not exist', spec: withClaim, refusedBy: ['VolumeBinding'] },
  {
    title: 'a volume that is bound to other nodes',
    spec: withClaim,
    state: {
      ...claim({ volumeName: 'pv' }),
      persistentVolumes: [
        {
          metadata: { name: 'pv' },
          spec: {
            nodeAffinity: {
              required: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: host, operator: 'In', values: ['node-2'] }] },
                ],
              },
            },
          },
        },
      ],
    },
    refusedBy: ['VolumeBinding'],
  },
  {
    title: 'a volume in another zone',
    spec: withClaim,
    node: inZone('node-1', 'a'),
    state: {
      ...claim({ volumeName: 'pv' }),
      persistentVolumes: [{ metadata: { name: 'pv', labels: { [zone]: 'b__c' } }, spec: {} }],
    },
    refusedBy: ['VolumeZone'],
  },
  {
    title: 'a volume in a zone, and a node that tells neither zone nor region',
    spec: withClaim,
    node: labelled({ disk: 'ssd' }),
    state: {
      ...claim({ volumeName: 'pv' }),
      persistentVolumes: [{ metadata: { name: 'pv', labels: { [zone]: 'b__c' } }, spec: {} }],
    },
    refusedBy: [],
  },
  {
    title: 'a volume that will be made where the pod goes',
    spec: withClaim,
    state: {
      ...claim({ storageClassName: 'late' }),
      storageClasses: [
        {
          metadata: { name: 'late' },
          provisioner: 'csi.example.com',
          volumeBindingMode: 'WaitForFirstConsumer',
        },
      ],
    },
    refusedBy: [],
  },
  {
    title: 'more volumes than the node can attach',
    spec: withClaim,
    state: {
      ...claim({ storageClassName: 'late' }),
      storageClasses: [
        {
          metadata: { name: 'late' },
          provisioner: 'csi.example.com',
          volumeBindingMode: 'WaitForFirstConsumer',
        },
      ],
      csiNodes: [
        {
          metadata: { name: 'node-1' },
          spec: { drivers: [{ name: 'csi.example.com', nodeID: 'n', allocatable: { count: 1 } }] },
        },
      ],
    },
    others: [boundPod('other', 'node-1', { spec: withOtherClaim })],
    refusedBy: ['NodeVolumeLimits'],
  },
  {
    title: 'a volume that the node has attached for another pod',
    spec: withClaim,
    state: {
      ...claim({ storageClassName: 'late' }),
      storageClasses: [
        {
          metadata: { name: 'late' },
          provisioner: 'csi.example.com',
          volumeBindingMode: 'WaitForFirstConsumer',
        },
      ],
      csiNodes: [
        {
          metadata: { name: 'node-1' },
          spec: { drivers: [{ name: 'csi.example.com', nodeID: 'n', allocatable: { count: 1 } }] },
        },
      ],
    },
    others: [boundPod('other', 'node-1', { spec: withClaim })],
    refusedBy: [],
  },
  {
    title: 'a volume for one pod only that another pod has',
    spec: withClaim,
    state: {
      ...claim({ volumeName: 'pv', accessModes: ['ReadWriteOncePod'] }),
      persistentVolumes: [{ metadata: { name: 'pv' }, spec: {} }],
    },
    others: [boundPod('other', 'node-1', { spec: withClaim })],
    refusedBy: ['VolumeRestrictions'],
  },
  {
    title: 'a scheduling gate',
    spec: { schedulingGates: [{ name: 'wait' }] },
    refusedBy: ['SchedulingGates'],
  },
  { title: 'a resource claim', spec: { resourceClaims: [{ name: 'gpu' }] }, refusedBy: ['DynamicResources'] },
  {
    title: 'every plugin that refuses is named',
    requests: requests('3', '1Gi'),
    spec: { nodeSelector: { disk: 'ssd' } },
    node: tainted('NoSchedule'),
    refusedBy: ['TaintToleration', 'NodeAffinity', 'NodeResourcesFit'],
  },
]

for (const {
  title,
  spec = {},
  requests: asked,
  node: on = node(),
  others = [],
  state = {},
  refusedBy,
} of cases) {
  t.test(title, async (t) => {
    const asking = pod('pod-1', { spec, ...(asked ? { requests: asked } : {}) })
    const all = clusterState({ ...state, nodes: [on, ...(state.nodes ?? [])], pods: [asking, ...others] })
    const { fits, reasons } = fitOf(all, decisionOptions(), decidedAt, 'default/pod-1', 'node-1')
    t.strictSame(
      reasons.map(({ code }) => code),
      refusedBy,
    )
    t.equal(fits, refusedBy.length === 0)
  })
}

t.test('a pod that runs does not stand in its own way', async (t) => {
  const state = clusterState({
    nodes: [node()],
    pods: [boundPod('pod-1', 'node-1', { requests: requests('2', '4Gi') })],
  })
  t.equal(fitOf(state, decisionOptions(), decidedAt, 'default/pod-1', 'node-1').fits, true)
})

t.test('a node written into the pod by hand is the only one', async (t) => {
  const pinned = pod('pod-1', { spec: { nodeName: 'node-2' }, status: { phase: 'Pending', conditions: [] } })
  const state = clusterState({ nodes: [node(), node('node-2')], pods: [pinned] })
  t.match(fitOf(state, decisionOptions(), decidedAt, 'default/pod-1', 'node-1').reasons, [
    { code: 'NodeName' },
  ])
})

t.test('the sentence holds the numbers', async (t) => {
  const state = clusterState({
    nodes: [node()],
    pods: [pod('pod-1', { requests: requests('2500m', '1Gi') })],
  })
  const [reason] = fitOf(state, decisionOptions(), decidedAt, 'default/pod-1', 'node-1').reasons
  t.equal(reason?.message, 'insufficient 2500m cpu asked, 2 of 2 free')
})
