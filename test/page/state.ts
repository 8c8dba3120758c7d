import { systemClock as clock, toTimestamp } from '../../common/clock.ts'
import type { ClusterState } from '../../controller/decide/state.ts'
import { boundPod, node, nodeGroup, pod, vpsieNode } from '../fixtures/objects.ts'
import type { startTestPage } from '../fixtures/page.ts'
import { report } from '../fixtures/report.ts'
import { clusterState, offering } from '../fixtures/state.ts'

const marks = (minutes: number) => ({
  'autoscaler.vpsie.com/unneeded-since': toTimestamp(clock.now() - minutes * 60_000),
})

const ofGroup = (name: string, group: string, size: string, annotations: Record<string, string> = {}) =>
  node(name, {
    metadata: {
      annotations,
      labels: { 'autoscaler.vpsie.com/nodegroup': group, 'autoscaler.vpsie.com/offering': size },
    },
  })

const requests = (cpu: string, memory: string) => ({ requests: { cpu, memory } })

/** A small shop: nodes that are busy, idle and protected, pods that get a machine and one that nothing holds. */
export function shop(over: Partial<ClusterState> = {}): ClusterState {
  return clusterState({
    offerings: [offering('small'), offering('large')],
    nodeGroups: [
      nodeGroup('web', { spec: { offeringIDs: ['small', 'large'], allowMixedInstances: true, minNodes: 2 } }),
      nodeGroup('batch', { spec: { offeringIDs: ['large'], maxNodes: 4 } }),
      nodeGroup('night', { spec: { offeringIDs: ['small'], maxNodes: 1 } }),
    ],
    nodes: [
      node('control-plane', { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }),
      ofGroup('web-1', 'web', 'small'),
      ofGroup('web-2', 'web', 'small', marks(30)),
      ofGroup('web-3', 'web', 'small', marks(4)),
      ofGroup('web-4', 'web', 'large', { 'autoscaler.vpsie.com/protected': 'true' }),
    ],
    vpsieNodes: [
      ...['web-1', 'web-2', 'web-3', 'web-4'].map((name) =>
        vpsieNode(name, {
          spec: { nodeGroupName: 'web', instanceType: name === 'web-4' ? 'large' : 'small', nodeName: name },
        }),
      ),
      vpsieNode('batch-5f2c9d1e', {
        metadata: { creationTimestamp: toTimestamp(clock.now() - 60_000) },
        spec: { nodeGroupName: 'batch', instanceType: 'large', nodeName: 'not-yet' },
        status: { phase: 'Provisioning' },
      }),
    ],
    pods: [
      boundPod('shop-7d9f-1', 'web-1', requests('1500m', '2Gi')),
      boundPod('shop-7d9f-2', 'web-3', requests('200m', '256Mi')),
      boundPod('shop-7d9f-3', 'web-4', requests('1', '4Gi')),
      pod('crunch-x7k2p', requests('6', '12Gi')),
      pod('crunch-m4d9s', requests('6', '12Gi')),
      pod('render-gpu-0', { requests: { cpu: '1', memory: '1Gi', 'nvidia.com/gpu': '1' } }),
    ],
    ...over,
  })
}

/** An hour of reports of each node's agent, every two minutes. */
export function reportUsage(page: Awaited<ReturnType<typeof startTestPage>>, names: readonly string[]): void {
  for (let minutes = 60; minutes >= 0; minutes -= 2) {
    page.ago(minutes * 60_000, () => {
      for (const [i, node] of names.entries()) page.usage.add(reportOf(node, i, 31 - minutes / 2))
    })
  }
}

function reportOf(node: string, i: number, seq: number) {
  const swing = Math.sin(seq / (3 + i)) * 0.08
  const busy = Math.max(0.01, ([0.72, 0.05, 0.18, 0.41][i % 4] ?? 0.5) + swing)
  const workingSetBytes = Math.round(150 + 170 * (i % 4) + swing * 300)
  return report({
    node,
    seq,
    windowSeconds: 120,
    cpu: { busy: { min: busy, avg: busy, max: busy, last: busy }, steal: 0, iowait: 0 },
    memory: { totalBytes: 1000, availableBytes: 500, workingSetBytes },
  })
}
