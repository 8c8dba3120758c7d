import { readCluster } from '../../../controller/decide/cluster.ts'
import { decide } from '../../../controller/decide/decide.ts'
import { createLimits } from '../../../controller/decide/limits.ts'
import { lotsOf } from '../../../controller/decide/lots.ts'
import type { Plan } from '../../../controller/decide/plan.ts'
import { buy, candidatesOf, placeOnExisting } from '../../../controller/decide/scale-up.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'
import { clusterState, decidedAt, decisionOptions } from '../../fixtures/state.ts'
import { expect } from '../../fixtures/wait.ts'
import { type Bench, timed } from './bench.ts'
import { group, many, node, pod, size } from './states.ts'

/*
 * The workloads of Cluster Autoscaler's own benchmarks (kubernetes-sigs/cluster-autoscaler: pkg/estimator,
 * pkg/core/bench, pkg/core/podlistprocessor, pkg/simulator), rebuilt from their definitions. The peer's figures were
 * measured on two cores.
 */

const peer = 'Cluster Autoscaler'
const settings = decisionOptions(
  '--scale-down-unneeded-time=0s',
  '--scale-down-delay-after-add=0s',
  '--usage=off',
)

function count(plan: Plan, verdict: string): number {
  return plan.pods.filter((one) => one.verdict === verdict).length
}

function removed(plan: Plan): number {
  return plan.nodes.filter(({ verdict }) => verdict === 'remove').length
}

const binpacking: Bench = {
  name: 'BinpackingEstimate: 51,000 pods',
  peer,
  peerMs: 3540,
  run() {
    const labels = { app: 'estimatee' }
    const input = clusterState({
      offerings: [size('mars', { cpu: '1', memory: '5000Mi', pods: 100 })],
      nodeGroups: [group('mars', { maxNodes: 3000, offeringIDs: ['mars'] })],
      pods: [
        ...many(50_000, (i) => pod(`a-${i}`, { cpu: '50m', memory: '100', labels })),
        ...many(1000, (i) => pod(`b-${i}`, { cpu: '95m', memory: '190', labels })),
      ],
    })
    const whole = timed(() => decide(input, settings, decidedAt))
    const nodes = whole.value.newNodes.length
    expect(nodes === 2595, `2,595 nodes are right: it planned ${nodes}`)
    expect(count(whole.value, 'scaleUp') === 51_000, 'every pod is placed')
    // As the peer's estimator, which is handed its pods in groups and makes the snapshot of the cluster itself.
    const { ms, value } = timed(estimate, { prepare: () => grouped(input) })
    expect(value === 2595, `2,595 nodes are right: the estimate is ${value}`)
    return {
      nodes,
      decideMs: ms,
      note: `the peer's fast path needs 27 ms; from raw pods to the finished plan we need ${whole.ms} ms`,
    }
  },
}

function grouped(input: ClusterState) {
  const cluster = readCluster(input, settings, decidedAt)
  return {
    cluster,
    lots: lotsOf(
      cluster,
      cluster.pods.map((one) => ({ pod: one, waitedMs: 60_000 })),
    ),
  }
}

/** Machines that the lots need. */
function estimate({ cluster, lots }: ReturnType<typeof grouped>): number {
  placeOnExisting(lots, cluster)
  return buy(lots, candidatesOf(cluster), createLimits(cluster, new Set()), cluster).length
}

const runOnceScaleUp: Bench = {
  name: 'RunOnceScaleUp: 50,000 ownerless pods',
  peer,
  peerMs: 11_000,
  run() {
    const input = clusterState({
      offerings: [size('ng1', { cpu: '10', memory: '10000', pods: 100 })],
      nodeGroups: [group('ng1', { offeringIDs: ['ng1'] })],
      pods: many(50_000, (i) => pod(`pod-${i}`, { cpu: '200m', memory: '200' })),
    })
    const { ms, value } = timed(() => decide(input, settings, decidedAt))
    expect(value.newNodes.length === 1000, `1,000 nodes are right: it planned ${value.newNodes.length}`)
    return { nodes: 1000, decideMs: ms }
  },
}

const runOnceScaleDown: Bench = {
  name: 'RunOnceScaleDown: 2,000 nodes, 80,000 pods',
  peer,
  peerMs: 15_000,
  run() {
    const offers = { cpu: '10', memory: '10000', pods: 100 }
    const annotations = { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' }
    const input = clusterState({
      offerings: [size('ng1', offers)],
      nodeGroups: [group('ng1', { offeringIDs: ['ng1'], scaleDownPolicy: scaleDown(50) })],
      nodes: many(2000, (i) => node(`node-${i}`, offers, { group: 'ng1', unneeded: true })),
      pods: many(80_000, (i) =>
        pod(`pod-${i}`, { cpu: '100m', memory: '100', annotations }, `node-${i % 2000}`),
      ),
    })
    const { ms, value } = timed(() => decide(input, settings, decidedAt))
    expect(removed(value) === 1200, `1,200 nodes can go: it removes ${removed(value)}`)
    return { nodes: 2000, removed: 1200, decideMs: ms }
  },
}

function scaleDown(threshold: number) {
  const limits = { cpuThreshold: threshold, memoryThreshold: threshold }
  return { enabled: true, stabilizationWindowSeconds: 0, cooldownSeconds: 0, ...limits }
}

function filterOutSchedulable(nodes: number, scheduled: number, pending: number, peerMs: number): Bench {
  return {
    name: `FilterOutSchedulable: ${[nodes, scheduled, pending].map((n) => n.toLocaleString('en')).join(' / ')}`,
    peer,
    peerMs,
    run() {
      const offers = { cpu: '2', memory: '200000', pods: 100 }
      const input = clusterState({
        nodeGroups: [],
        offerings: [],
        nodes: many(nodes, (i) => node(`node-${i}`, offers)),
        pods: [
          ...many(scheduled, (i) => pod(`on-${i}`, { cpu: '1', memory: '200000' }, `node-${i % nodes}`)),
          ...many(pending, (i) => pod(`pod-${i}`, { cpu: '1', memory: '2000000' })),
        ],
      })
      const { ms, value } = timed(() => decide(input, settings, decidedAt))
      expect(count(value, 'unschedulable') === pending, 'all pending pods remain')
      return { nodes, decideMs: ms, note: `all ${pending} pods remain, each with its reasons` }
    },
  }
}

const efficiency: Bench = {
  name: 'ScaledownEfficiency',
  peer,
  peerMs: null,
  run() {
    let input = efficiencyState()
    const before = cpuUse(input)
    let loops = 0
    const { ms } = timed(() => {
      input = efficiencyState()
      for (loops = 0; loops < 20; loops++) {
        const plan = decide(input, settings, decidedAt)
        if (removed(plan) === 0) break
        input = carriedOut(input, plan)
      }
    })
    const after = cpuUse(input)
    expect(after === 1, `all CPU is used at the end: ${after}`)
    expect(loops <= 3, `three loops are enough: it took ${loops}`)
    return {
      nodes: input.nodes.length,
      removed: 6 - input.nodes.length,
      decideMs: ms,
      note: `${loops} loops (the peer: 3), CPU ${Math.round(before * 100)} % -> ${Math.round(after * 100)} %`,
    }
  },
}

function efficiencyState(): ClusterState {
  const kinds = [
    { name: 'small', nodes: 2, cpu: 1000 },
    { name: 'moderate', nodes: 3, cpu: 4000 },
    { name: 'big', nodes: 1, cpu: 9000 },
  ]
  const offers = (cpu: number) => ({ cpu: `${cpu}m`, memory: '1000', pods: 100 })
  return clusterState({
    offerings: kinds.map(({ name, cpu }) => size(name, offers(cpu), cpu)),
    nodeGroups: kinds.map(({ name }) =>
      group(name, { maxNodes: 10, offeringIDs: [name], scaleDownPolicy: scaleDown(100) }),
    ),
    nodes: kinds.flatMap(({ name, nodes, cpu }) =>
      many(nodes, (i) => node(`${name}-${i}`, offers(cpu), { group: name, unneeded: true })),
    ),
    pods: kinds.flatMap(({ name, nodes }) =>
      many(nodes, (i) => pod(`on-${name}-${i}`, movable, `${name}-${i}`)),
    ),
  })
}

const movable = {
  cpu: '1',
  memory: '100',
  annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' },
}

/** The state after a plan: its nodes are gone, their pods where it said they would go. */
function carriedOut(input: ClusterState, plan: Plan): ClusterState {
  const moves = new Map(plan.nodes.flatMap(({ moves = [] }) => moves.map(({ pod, to }) => [pod, to])))
  const gone = new Set(plan.nodes.filter(({ verdict }) => verdict === 'remove').map(({ node }) => node))
  return {
    ...input,
    nodes: input.nodes.filter(({ metadata }) => !gone.has(metadata.name)),
    pods: input.pods.map((one) => {
      const to = moves.get(`default/${one.metadata.name}`)
      return to ? { ...one, spec: { ...one.spec, nodeName: to } } : one
    }),
  }
}

function cpuUse({ nodes, pods }: ClusterState): number {
  const cores = nodes.reduce(
    (sum, { status }) => sum + Number.parseInt(String(status?.allocatable?.cpu), 10),
    0,
  )
  return (pods.length * 1000) / cores
}

const lastNode: Bench = {
  name: 'One anti-affinity pod over 5,001 nodes',
  peer,
  peerMs: 1.7,
  run() {
    const labels = { app: 'p' }
    const offers = { cpu: '10m', memory: '1000', pods: 100 }
    const apart = {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } },
      ],
    }
    const input = clusterState({
      nodeGroups: [],
      offerings: [],
      nodes: [
        ...many(5000, (i) => node(`node-${String(i).padStart(4, '0')}`, offers)),
        node('node-last', { ...offers, cpu: '1' }),
      ],
      pods: [
        ...many(50_000, (i) => {
          const on = `node-${String(i % 5000).padStart(4, '0')}`
          return pod(`on-${i}`, { cpu: '1m', memory: '1', labels }, on)
        }),
        pod('apart', { cpu: '100m', memory: '1000', labels, spec: { affinity: { podAntiAffinity: apart } } }),
      ],
    })
    const index = timed(() => readCluster(input, settings, decidedAt))
    const { ms, value } = timed(
      ({ cluster, lots }) => {
        placeOnExisting(lots, cluster)
        return lots
      },
      {
        prepare: () => {
          const cluster = readCluster(input, settings, decidedAt)
          const waiting = cluster.pods.filter(({ spec }) => spec.nodeName === undefined)
          const pending = waiting.map((one) => ({ pod: one, waitedMs: 60_000 }))
          return { cluster, lots: lotsOf(cluster, pending) }
        },
        // It is over in no time, so it takes many to be hot.
        warmUps: 40,
      },
    )
    const to = value[0]?.places[0]?.bin.name
    expect(to === 'node-last', `only node-last has room: it goes to ${to}`)
    return {
      nodes: 5001,
      decideMs: ms,
      note: `indexing the state takes ${index.ms} ms; the peer: 0.9 to 1.7 ms`,
    }
  },
}

export const clusterAutoscaler: readonly Bench[] = [
  binpacking,
  runOnceScaleUp,
  runOnceScaleDown,
  filterOutSchedulable(1000, 1000, 12_000, 4810),
  filterOutSchedulable(200, 200, 60_000, 5099),
  lastNode,
  efficiency,
]
