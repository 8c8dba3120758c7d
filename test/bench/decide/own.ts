import { setImmediate } from 'node:timers/promises'
import type { Pod } from '../../../common/kube/objects.ts'
import { decide } from '../../../controller/decide/decide.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'
import { explain } from '../../../controller/explain/explain.ts'
import { clusterState, decidedAt, decisionOptions } from '../../fixtures/state.ts'
import { expect } from '../../fixtures/wait.ts'
import { type Bench, timed } from './bench.ts'
import { group, many, node, pod, size } from './states.ts'

/* Workloads of our own: what most passes look like, and the worst that one can meet. */

const settings = decisionOptions('--usage=off')

function busyCluster(nodes: number, podsEach: number) {
  const offers = { cpu: '8', memory: '32Gi', pods: 110 }
  return clusterState({
    offerings: [size('ng1', offers)],
    nodeGroups: [group('ng1', { offeringIDs: ['ng1'] })],
    nodes: many(nodes, (i) => node(`node-${i}`, offers, { group: 'ng1' })),
    pods: many(nodes * podsEach, (i) => {
      const labels = { app: `app-${i % 200}`, 'pod-template-hash': `h${i % 200}` }
      const shape = { cpu: '200m', memory: `${256 + (i % 20)}Mi`, labels }
      return ownedBy(`app-${i % 200}`, pod(`pod-${i}`, shape, `node-${i % nodes}`))
    }),
  })
}

function ownedBy(name: string, { metadata, ...rest }: Pod): Pod {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: `uid-of-${name}`, controller: true }
  return { ...rest, metadata: { ...metadata, ownerReferences: [owner] } }
}

/** As watch caches list their objects. */
function inOrder(input: ClusterState): ClusterState {
  const sorted = <T extends { metadata: { name: string } }>(objects: readonly T[]) =>
    [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  return { ...input, pods: sorted(input.pods), nodes: sorted(input.nodes) }
}

const steady: Bench = {
  name: 'Steady: 1,000 nodes, 30,000 pods, nothing to do',
  peer: 'none',
  peerMs: null,
  run() {
    const input = inOrder(busyCluster(1000, 30))
    const { ms, value } = timed(() => decide(input, settings, decidedAt), { warmUps: 20 })
    expect(value.actions.length === 0, `nothing is to be done: it plans ${value.actions.length} actions`)
    globalThis.gc?.()
    const heapMB = Math.round(process.memoryUsage().heapUsed / 2 ** 20)
    return { nodes: 1000, decideMs: ms, note: `heap ${heapMB} MB, the state included` }
  },
}

/** One question after the other, from the decision that is there to the last sentence. */
const why: Bench = {
  name: 'Why: one explanation, 1,000 nodes, 30,000 pods',
  peer: 'none',
  peerMs: null,
  async run() {
    const state = inOrder(busyCluster(1000, 30))
    const plan = decide(state, settings, decidedAt)
    const situation = { state, options: settings, now: decidedAt }
    const times: number[] = []
    let [longest, decisions] = [0, 0]
    for (let i = 0; i < 20; i++) {
      const began = performance.now()
      let last = began
      const pause = async () => {
        longest = Math.max(longest, performance.now() - last)
        await setImmediate()
        last = performance.now()
        decisions++
      }
      const found = await explain(situation, plan, { kind: 'node', name: `node-${i}` }, { pause })
      times.push(performance.now() - began)
      const helps = found?.wouldChange.some((change) => change.helps)
      expect(helps, `it is told what would change the verdict of node-${i}`)
    }
    const [decideMs = Number.NaN] = times.sort((a, b) => a - b).slice(times.length / 2)
    const [each, turn] = [decisions / times.length, longest].map(Math.round)
    const note = `${each} decisions each; at most ${turn} ms without a turn for others`
    return { nodes: 1000, decideMs: Math.round(decideMs), note }
  },
}

/** Pods of which no two are alike; every other one asks for more than any size has. */
function unlikePods(count: number) {
  return many(count, (i) => {
    const isImpossible = i % 2 === 1
    const cpu = isImpossible ? `${1000 + i}` : `${100 + (i % 3900)}m`
    return pod(`pod-${i}`, { cpu, memory: `${100_000_000 + i * 10_007}`, labels: { app: `app-${i}` } })
  })
}

function worstCase(name: string, steps: string): Bench {
  const bounded = decisionOptions(
    '--usage=off',
    '--max-nodes-per-scaleup=100000',
    `--max-decision-steps=${steps}`,
  )
  return {
    name: `Worst case: 10,000 pods of different shape, half impossible${name}`,
    peer: 'none',
    peerMs: null,
    run() {
      const sizes = many(20, (i) => ({ cpu: `${i + 1}`, memory: `${(i + 1) * 4}Gi`, pods: 110 }))
      const names = sizes.map((_, i) => `size-${i + 1}`)
      const input = clusterState({
        offerings: sizes.map((offers, i) => size(`size-${i + 1}`, offers, 10 * (i + 1))),
        nodeGroups: [group('mixed', { offeringIDs: names, maxNodes: 10_000 })],
        nodes: many(500, (i) =>
          node(`node-${i}`, { cpu: '4', memory: '16Gi', pods: 110 }, { group: 'size-4' }),
        ),
        pods: unlikePods(10_000),
      })
      const { ms, value } = timed(() => decide(input, bounded, decidedAt))
      const verdicts = new Map(value.pods.map(({ pod: key, verdict }) => [key, verdict]))
      const wrong = many(10_000, (i) => i).filter(
        (i) => i % 2 === 1 && verdicts.get(`default/pod-${i}`) !== 'unschedulable',
      )
      expect(wrong.length === 0, `no impossible pod has a place: ${wrong.length} have one`)
      const open = value.pods.filter(({ reasons }) =>
        reasons.some(({ code }) => code === 'PlanIncomplete'),
      ).length
      return {
        nodes: value.newNodes.length,
        decideMs: ms,
        note: `${open} pods are left for the next decision`,
      }
    },
  }
}

export const own: readonly Bench[] = [
  steady,
  why,
  worstCase('', '100000000'),
  worstCase(', 1,000,000 steps at most', '1000000'),
]
