import { decide } from '../../../controller/decide/decide.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'
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
      return pod(`pod-${i}`, { cpu: '200m', memory: `${256 + (i % 20)}Mi`, labels }, `node-${i % nodes}`)
    }),
  })
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
    const { ms, value } = timed(() => decide(input, settings, decidedAt), undefined, 20)
    expect(value.actions.length === 0, `nothing is to be done: it plans ${value.actions.length} actions`)
    globalThis.gc?.()
    const heapMB = Math.round(process.memoryUsage().heapUsed / 2 ** 20)
    return { nodes: 1000, decideMs: ms, note: `heap ${heapMB} MB, the state included` }
  },
}

export const own: readonly Bench[] = [steady]
