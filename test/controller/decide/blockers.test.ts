import t from 'tap'
import { toTimestamp } from '../../../common/clock.ts'
import type { Pod, Workload } from '../../../common/kube/objects.ts'
import { blockersOf, staysBehind } from '../../../controller/decide/blockers.ts'
import { createBudgets } from '../../../controller/decide/pdb.ts'
import { ownerReference, pod, podDisruptionBudget, workload } from '../../fixtures/objects.ts'
import { decidedAt } from '../../fixtures/state.ts'

const noted = (annotations: Record<string, string>): Pod => pod('a', { metadata: { annotations } })
const system = (over = {}): Pod => pod('a', { metadata: { namespace: 'kube-system', ...over } })
const disk = (annotations = {}): Pod =>
  pod('a', { metadata: { annotations }, spec: { volumes: [{ name: 'scratch', emptyDir: {} }] } })
const all = ['Unreplicated', 'LocalStorage', 'KubeSystem', 'CustomController'] as const

const cases: {
  title: string
  pod: Pod
  blockOn?: readonly (typeof all)[number][]
  minReplicas?: number
  workloads?: Workload[]
  codes: string[]
}[] = [
  { title: 'a pod of a ReplicaSet may move', pod: pod('a'), codes: [] },
  {
    title: 'a pod that nobody would make again may not',
    pod: pod('a', { owner: null }),
    codes: ['PodNotReplicated'],
  },
  { title: 'unless the group does not mind', pod: pod('a', { owner: null }), blockOn: [], codes: [] },
  {
    title: 'an owner that is no controller is none',
    pod: pod('a', {
      metadata: {
        ownerReferences: [{ ...ownerReference({ kind: 'ReplicaSet', name: 'a' }), controller: false }],
      },
    }),
    codes: ['PodNotReplicated'],
  },
  {
    title: "a custom controller's pod",
    pod: pod('a', { owner: { kind: 'Rollout', name: 'a', apiVersion: 'argoproj.io/v1alpha1' } }),
    codes: ['PodCustomController'],
  },
  {
    title: 'by default moves',
    pod: pod('a', { owner: { kind: 'Rollout', name: 'a' } }),
    blockOn: ['Unreplicated', 'LocalStorage', 'KubeSystem'],
    codes: [],
  },
  {
    title: 'an owner with too few replicas',
    pod: pod('a'),
    minReplicas: 3,
    workloads: [workload('ReplicaSet', 'app', 2)],
    codes: ['PodMinReplicas'],
  },
  {
    title: 'an owner with just enough',
    pod: pod('a'),
    minReplicas: 2,
    workloads: [workload('ReplicaSet', 'app', 2)],
    codes: [],
  },
  { title: 'a system pod', pod: system(), codes: ['PodKubeSystem'] },
  { title: 'a system pod under a budget', pod: system({ labels: { app: 'dns' } }), codes: [] },
  { title: 'a directory on disk', pod: disk(), codes: ['PodLocalStorage'] },
  {
    title: 'one that the pod declares expendable',
    pod: disk({ 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes': 'cache, scratch' }),
    codes: [],
  },
  {
    title: 'one in memory',
    pod: pod('a', { spec: { volumes: [{ name: 'm', emptyDir: { medium: 'Memory' } }] } }),
    codes: [],
  },
  {
    title: 'a path of the host',
    pod: pod('a', { spec: { volumes: [{ name: 'h', hostPath: { path: '/data' } }] } }),
    codes: ['PodLocalStorage'],
  },
  {
    title: 'safe-to-evict=true ends all of these',
    pod: pod('a', {
      owner: null,
      metadata: {
        namespace: 'kube-system',
        annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' },
      },
      spec: { volumes: [{ name: 'h', hostPath: { path: '/data' } }] },
    }),
    codes: [],
  },
  {
    title: 'safe-to-evict=false',
    pod: noted({ 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' }),
    codes: ['PodSafeToEvictFalse'],
  },
  {
    title: 'safe-to-evict=on-completion waits',
    pod: noted({ 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'on-completion' }),
    codes: ['PodSafeToEvictFalse'],
  },
  {
    title: 'do-not-disrupt=true',
    pod: noted({ 'karpenter.sh/do-not-disrupt': 'true' }),
    codes: ['PodDoNotDisrupt'],
  },
  {
    title: 'even if another annotation says otherwise',
    pod: noted({
      'karpenter.sh/do-not-disrupt': 'true',
      'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
    }),
    codes: ['PodDoNotDisrupt'],
  },
  {
    title: 'do-not-disrupt for a time that is not over',
    pod: pod('a', {
      metadata: { annotations: { 'karpenter.sh/do-not-disrupt': '1h' } },
      status: { startTime: toTimestamp(decidedAt - 3_599_000) },
    }),
    codes: ['PodDoNotDisrupt'],
  },
  {
    title: 'and for one that is',
    pod: pod('a', {
      metadata: { annotations: { 'karpenter.sh/do-not-disrupt': '1h' } },
      status: { startTime: toTimestamp(decidedAt - 3_600_000) },
    }),
    codes: [],
  },
  {
    title: 'a text that is no duration counts as absent',
    pod: noted({ 'karpenter.sh/do-not-disrupt': 'please' }),
    codes: [],
  },
  {
    title: 'all of them are told',
    pod: pod('a', { owner: null, metadata: { namespace: 'kube-system' } }),
    codes: ['PodNotReplicated', 'PodKubeSystem'],
  },
]

for (const { title, pod: moved, blockOn = all, minReplicas = 0, workloads = [], codes } of cases) {
  t.test(title, async (t) => {
    const budgets = createBudgets([
      podDisruptionBudget('dns', {
        metadata: { namespace: 'kube-system' },
        spec: { selector: { matchLabels: { app: 'dns' } } },
      }),
    ])
    const drain = { timeoutSeconds: 900, maxPodGracePeriodSeconds: 600, blockOn: [...blockOn], minReplicas }
    const byUid = new Map(workloads.map((one) => [one.metadata.uid ?? '', one]))
    const reasons = blockersOf(moved, { drain, budgets, workloads: byUid, priority: () => 0, now: decidedAt })
    t.strictSame(
      reasons.map(({ code }) => code),
      codes,
    )
    for (const { object } of reasons) t.equal(object, `${moved.metadata.namespace}/a`)
  })
}

t.test('pods that leave with their node', async (t) => {
  t.equal(staysBehind(pod('a', { owner: { kind: 'DaemonSet', name: 'd' } })), true)
  t.equal(staysBehind(noted({ 'kubernetes.io/config.mirror': 'x' })), true)
  t.equal(staysBehind(noted({ 'cluster-autoscaler.kubernetes.io/daemonset-pod': 'true' })), true)
  t.equal(staysBehind(pod('a', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })), true)
  t.equal(staysBehind(pod('a')), false)
})
