import { createReadStream } from 'node:fs'
import type { Pod, PodSpec } from '../../../common/kube/objects.ts'
import { decide } from '../../../controller/decide/decide.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'
import { readDocuments } from '../../../controller/simulate/documents.ts'
import { readState } from '../../../controller/simulate/state.ts'
import { chanceOf } from '../../fixtures/chance.ts'
import { clusterState, decidedAt, decisionOptions } from '../../fixtures/state.ts'
import { expect } from '../../fixtures/wait.ts'
import { type Bench, timed } from './bench.ts'
import { checkPlan } from './oracle.ts'
import { group, many, pod } from './states.ts'

/*
 * The scheduling benchmark of Karpenter (kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling): diverse
 * pods over 400 sizes and three zones. Its 5,000 pods were written out by Karpenter's own generator, so that both
 * read the same; other numbers are drawn anew by the same recipe. The peer's figures were measured on two cores; its
 * plan for 5,000 pods has 1,000 nodes for 1,761.33 an hour.
 */

const hoursPerMonth = 730
const warmPods = 40_000
const zones = ['test-zone-1', 'test-zone-2', 'test-zone-3']
const settings = decisionOptions('--max-nodes-per-scaleup=100000', '--usage=off')

async function written(): Promise<ClusterState> {
  const file = 'karpenter-5000.json.gz'
  const content = createReadStream(new URL(`./workloads/${file}`, import.meta.url))
  const { state } = await readState(readDocuments(file, content), {
    namespaces: ['kube-system'],
    usage: 'off',
  })
  return state
}

/** One group that sells every size in each zone at one price. */
function sold({ offerings }: ClusterState) {
  const multiRegion = { enabled: true, datacenterIDs: zones }
  const offeringIDs = offerings.map(({ name }) => name)
  return group('karpenter', { provisioner: 'vm', maxNodes: 100_000, multiRegion, offeringIDs } as never)
}

function bench(
  name: string,
  count: number,
  peerMs: number | null,
  most?: { nodes: number; hourly: number },
): Bench {
  return {
    name,
    peer: 'Karpenter',
    peerMs,
    async run() {
      const base = await written()
      const pods = count === 5000 ? base.pods : drawn(count)
      const input = clusterState({ offerings: base.offerings, nodeGroups: [sold(base)], pods })
      // A short run warms the code up less than a long one: each has seen as many pods when it is timed.
      const warmUps = Math.max(3, Math.ceil(warmPods / count))
      const { ms, value } = timed(() => decide(input, settings, decidedAt), { warmUps })
      checkPlan(input, value)
      const hourlyPrice = Math.round((value.monthlyCost.planned / hoursPerMonth) * 100) / 100
      if (most) {
        expect(
          value.newNodes.length <= most.nodes,
          `at most ${most.nodes} nodes: it planned ${value.newNodes.length}`,
        )
        expect(hourlyPrice <= most.hourly, `at most ${most.hourly} an hour: the plan costs ${hourlyPrice}`)
      }
      const perPod = Math.round((ms * 1000) / count)
      return { nodes: value.newNodes.length, hourlyPrice, decideMs: ms, note: `${perPod} µs a pod` }
    },
  }
}

/** The same five blocks of pods, from a generator of our own with a fixed seed. */
function drawn(count: number): Pod[] {
  const { of: choose } = chanceOf(42)
  const letter = () => choose(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  const amounts = () => ({
    cpu: choose(['100m', '250m', '500m', '1', '1500m']),
    memory: choose(['100Mi', '256Mi', '512Mi', '1Gi', '2Gi', '4Gi']),
  })
  const spread = (topologyKey: string): Partial<PodSpec> => ({
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { 'my-label': letter() } },
      },
    ],
  })
  const term = (topologyKey: string, matchLabels: Record<string, string>) => ({
    requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels } }],
  })
  const zone = 'topology.kubernetes.io/zone'
  const host = 'kubernetes.io/hostname'
  const blocks: (() => { labels: Record<string, string>; spec: Partial<PodSpec> })[] = [
    () => ({ labels: { 'my-label': letter() }, spec: {} }),
    () => ({ labels: { 'my-label': letter() }, spec: spread(zone) }),
    () => ({ labels: { 'my-label': letter() }, spec: spread(host) }),
    () => {
      const labels = { 'my-affininity': letter() }
      return { labels, spec: { affinity: { podAffinity: term(zone, labels) } } }
    },
    () => ({
      labels: { app: 'nginx' },
      spec: { affinity: { podAntiAffinity: term(host, { app: 'nginx' }) } },
    }),
  ]
  return many(count, (i) => {
    const { labels, spec } = (blocks[Math.floor(i / (count / 5))] ?? (() => ({ labels: {}, spec: {} })))()
    return pod(`pod-${i}`, { ...amounts(), labels, spec })
  })
}

export const karpenter: readonly Bench[] = [
  bench('Karpenter: 5,000 diverse pods, 400 sizes', 5000, 11_300, { nodes: 1000, hourly: 1200 }),
  bench('Karpenter, drawn anew: 1,000 pods', 1000, 2765),
  bench('Karpenter, drawn anew: 10,000 pods', 10_000, 28_500),
  bench('Karpenter, drawn anew: 20,000 pods', 20_000, null),
]
