import fc from 'fast-check'
import t from 'tap'
import type { Node, Pod } from '../../../common/kube/objects.ts'
import { decide } from '../../../controller/decide/decide.ts'
import { fitOf } from '../../../controller/decide/fit-query.ts'
import { boundPod, node, pod, requests } from '../../fixtures/objects.ts'
import { clusterState, decidedAt, decisionOptions } from '../../fixtures/state.ts'
import { mayRun } from './one-at-a-time.ts'

/* The grouped path against filters that look at one pod at a time, on whole generated clusters. */

const hostname = 'kubernetes.io/hostname'
const zone = 'topology.kubernetes.io/zone'
const app = fc.constantFrom('a', 'b')
const key = fc.constantFrom(hostname, zone)

const shape = fc.record({
  cpu: fc.constantFrom('100m', '300m', '700m'),
  app,
  port: fc.option(fc.constantFrom(80, 81), { nil: undefined, freq: 6 }),
  tolerant: fc.boolean(),
  ssd: fc.boolean(),
  apart: fc.option(fc.record({ app, key }), { nil: undefined, freq: 3 }),
  near: fc.option(fc.record({ app, key }), { nil: undefined, freq: 4 }),
  spread: fc.option(
    fc.record({
      app,
      key,
      maxSkew: fc.integer({ min: 1, max: 2 }),
      minDomains: fc.integer({ min: 1, max: 3 }),
    }),
    { nil: undefined, freq: 3 },
  ),
})
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never

function podOf(
  name: string,
  { cpu, app: label, port, tolerant, ssd, apart, near, spread }: Shape,
  on?: string,
): Pod {
  const term = (of: { app: string; key: string }) => ({
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: of.key, labelSelector: { matchLabels: { app: of.app } } },
    ],
  })
  const made = (on === undefined ? pod : (at: string, over: object) => boundPod(at, on, over))(name, {
    requests: requests(cpu, '100Mi'),
    metadata: { labels: { app: label } },
    spec: {
      ...(ssd ? { nodeSelector: { disk: 'ssd' } } : {}),
      ...(tolerant ? { tolerations: [{ key: 'dedicated', operator: 'Exists' as const }] } : {}),
      affinity: {
        ...(apart ? { podAntiAffinity: term(apart) } : {}),
        ...(near ? { podAffinity: term(near) } : {}),
      },
      ...(spread
        ? {
            topologySpreadConstraints: [
              {
                maxSkew: spread.maxSkew,
                topologyKey: spread.key,
                whenUnsatisfiable: 'DoNotSchedule' as const,
                labelSelector: { matchLabels: { app: spread.app } },
                // Only this constraint knows them.
                ...(spread.minDomains > 1 ? { minDomains: spread.minDomains } : {}),
              },
            ],
          }
        : {}),
    },
  })
  const [container] = made.spec.containers
  if (container && port !== undefined) container.ports = [{ containerPort: port, hostPort: port }]
  return made
}

const nodeShape = fc.record({
  zone: fc.option(fc.constantFrom('x', 'y'), { nil: undefined, freq: 5 }),
  ssd: fc.boolean(),
  tainted: fc.boolean(),
  cordoned: fc.boolean(),
})

const cluster = fc
  .record({
    nodes: fc.array(nodeShape, { minLength: 1, maxLength: 5 }),
    running: fc.array(fc.tuple(shape, fc.nat(4)), { maxLength: 8 }),
    waiting: shape,
    count: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ nodes: shapes, running, waiting, count }) => {
    const nodes = shapes.map(
      ({ zone: place, ssd, tainted, cordoned }, i): Node =>
        node(`node-${i}`, {
          metadata: {
            labels: { ...(place === undefined ? {} : { [zone]: place }), ...(ssd ? { disk: 'ssd' } : {}) },
          },
          spec: {
            unschedulable: cordoned,
            ...(tainted ? { taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' as const }] } : {}),
          },
        }),
    )
    const placed = running.map(([one, at], i) => podOf(`on-${i}`, one, `node-${at % nodes.length}`))
    const pending = Array.from({ length: count }, (_, i) => podOf(`pod-${i}`, waiting))
    return { nodes, placed, pending }
  })

const options = decisionOptions('--usage=off')

t.test('every verdict of the filters is that of filters which look at all pods anew', async (t) => {
  fc.assert(
    fc.property(cluster, ({ nodes, placed, pending }) => {
      const [first] = pending
      if (!first) return
      const state = clusterState({ nodes, pods: [...placed, first], nodeGroups: [] })
      for (const one of nodes) {
        const { fits, reasons } = fitOf(state, options, decidedAt, 'default/pod-0', one.metadata.name)
        t.equal(
          fits,
          mayRun(first, one, { nodes, placed }),
          `${one.metadata.name} ${JSON.stringify(reasons)}`,
        )
      }
    }),
    { numRuns: 400 },
  )
})

t.test('equal pods placed together are where they would be, placed one after the other', async (t) => {
  fc.assert(
    fc.property(cluster, ({ nodes, placed, pending }) => {
      const state = clusterState({ nodes, pods: [...placed, ...pending], nodeGroups: [] })
      const { pods } = decide(state, options, decidedAt)
      const together = nodes.map(
        ({ metadata }) =>
          pods.filter(({ verdict, node: on }) => verdict === 'fits' && on === metadata.name).length,
      )
      const now = [...placed]
      let left = pending.length
      const apart = nodes.map((one) => {
        let count = 0
        for (const next of pending.slice(pending.length - left)) {
          if (!mayRun(next, one, { nodes, placed: now })) break
          now.push({ ...next, spec: { ...next.spec, nodeName: one.metadata.name } })
          count++
        }
        left -= count
        return count
      })
      t.strictSame(together, apart)
    }),
    { numRuns: 400 },
  )
})
