import fc from 'fast-check'
import t from 'tap'
import { annotations } from '../../../common/api/names.ts'
import type { Pod } from '../../../common/kube/objects.ts'
import { decide } from '../../../controller/decide/decide.ts'
import { fitOf } from '../../../controller/decide/fit-query.ts'
import type { Plan } from '../../../controller/decide/plan.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'
import {
  boundPod,
  daemonSet,
  node,
  nodeGroup,
  pod,
  podDisruptionBudget,
  requests,
} from '../../fixtures/objects.ts'
import { clusterState, decidedAt, decisionOptions, offering } from '../../fixtures/state.ts'

/** Whole small clusters of all that can meet: sizes, groups, busy and idle nodes, constraints, budgets. */
const cpus = fc.constantFrom('100m', '500m', '1', '1500m', '3')
const apps = fc.constantFrom('a', 'b')
const constraint = fc.constantFrom('none', 'none', 'none', 'apart', 'together', 'spread', 'port', 'ssd')

const hostname = 'kubernetes.io/hostname'

function constrained(kind: string, app: string): Partial<Pod['spec']> {
  const term = [{ labelSelector: { matchLabels: { app } }, topologyKey: hostname }]
  const required = { requiredDuringSchedulingIgnoredDuringExecution: term }
  const spread = {
    maxSkew: 1,
    topologyKey: hostname,
    whenUnsatisfiable: 'DoNotSchedule' as const,
    labelSelector: { matchLabels: { app } },
  }
  switch (kind) {
    case 'apart':
      return { affinity: { podAntiAffinity: required } }
    case 'together':
      return { affinity: { podAffinity: required } }
    case 'spread':
      return { topologySpreadConstraints: [spread] }
    case 'ssd':
      return { nodeSelector: { disk: 'ssd' } }
    default:
      return {}
  }
}

const podShape = fc.record({
  cpu: cpus,
  app: apps,
  kind: constraint,
  node: fc.option(fc.nat(4), { nil: undefined }),
  priority: fc.constantFrom(0, 0, 100, -20),
})

const state: fc.Arbitrary<ClusterState> = fc
  .record({
    pods: fc.array(podShape, { maxLength: 14 }),
    nodes: fc.array(fc.record({ unneeded: fc.boolean(), ssd: fc.boolean(), cordoned: fc.boolean() }), {
      maxLength: 5,
    }),
    minNodes: fc.nat(2),
    maxNodes: fc.integer({ min: 2, max: 6 }),
    maxMonthlyCost: fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined }),
    budget: fc.constantFrom('10%', '50%', '100%'),
    allowed: fc.nat(2),
    daemon: fc.boolean(),
    isLarge: fc.boolean(),
    threshold: fc.constantFrom(1, 50),
    minMonthlySavings: fc.option(fc.constantFrom(0, 10), { nil: undefined }),
  })
  .map((shape) => {
    const nodes = shape.nodes.map(({ unneeded, ssd, cordoned }, i) =>
      node(`node-${i}`, {
        metadata: {
          labels: {
            ...(ssd ? { disk: 'ssd' } : {}),
            ...(shape.isLarge ? { 'autoscaler.vpsie.com/offering': 'large' } : {}),
          },
          annotations: unneeded ? { [annotations.unneededSince]: '2026-01-01T00:00:00Z' } : {},
        },
        ...(cordoned ? { spec: { unschedulable: true } } : {}),
        ...(shape.isLarge ? { status: { allocatable: offering('large').allocatable ?? {} } } : {}),
      }),
    )
    const pods = shape.pods.map(({ cpu, app, kind, node: home, priority }, i) => {
      const over = {
        requests: requests(cpu, '256Mi'),
        metadata: { labels: { app } },
        spec: { ...constrained(kind, app), priority },
      }
      const on = home === undefined ? undefined : nodes[home]
      return on ? boundPod(`pod-${i}`, on.metadata.name, over) : pod(`pod-${i}`, over)
    })
    const { minNodes, maxNodes, maxMonthlyCost, budget, allowed, daemon } = shape
    const limit = maxMonthlyCost === undefined ? {} : { maxMonthlyCost }
    const workers = nodeGroup('workers', {
      spec: {
        minNodes,
        maxNodes,
        ...limit,
        offeringIDs: ['small', 'large'],
        allowMixedInstances: true,
        scaleDownPolicy: { cpuThreshold: shape.threshold, memoryThreshold: 50 },
        ...(shape.minMonthlySavings === undefined
          ? {}
          : { costOptimization: { enabled: true, minMonthlySavings: shape.minMonthlySavings } }),
        disruption: { maxUnavailable: budget, minNodeAgeSeconds: 0 },
      },
    })
    const fast = nodeGroup('fast', {
      spec: { maxNodes: 2, labels: { disk: 'ssd' }, offeringIDs: ['large'], priority: -1 },
    })
    return clusterState({
      nodes,
      pods,
      nodeGroups: [workers, fast],
      offerings: [offering('small'), offering('large')],
      daemonSets: daemon ? [daemonSet()] : [],
      podDisruptionBudgets: [
        podDisruptionBudget('a', {
          spec: { selector: { matchLabels: { app: 'a' } } },
          status: { disruptionsAllowed: allowed },
        }),
      ],
    })
  })

const options = decisionOptions()
const plan = (of: ClusterState): Plan => decide(of, options, decidedAt)
const holds = (check: (of: ClusterState, plan: Plan) => void) =>
  fc.assert(
    fc.property(state, (of) => check(of, plan(of))),
    { numRuns: 150 },
  )

t.test('the order of the input changes nothing', async () => {
  const shuffled = state.chain((of) =>
    fc.tuple(
      fc.constant(of),
      fc.shuffledSubarray([...of.pods], { minLength: of.pods.length }),
      fc.shuffledSubarray([...of.nodes], { minLength: of.nodes.length }),
    ),
  )
  fc.assert(
    fc.property(shuffled, ([of, pods, nodes]) => {
      const other = {
        ...of,
        pods,
        nodes,
        nodeGroups: of.nodeGroups.toReversed(),
        offerings: of.offerings.toReversed(),
      }
      return JSON.stringify(plan(of)) === JSON.stringify(plan(other))
    }),
    { numRuns: 150 },
  )
})

t.test('the state is not changed', async () => {
  fc.assert(
    fc.property(state, (of) => {
      const before = JSON.stringify(of)
      plan(of)
      return JSON.stringify(of) === before
    }),
    { numRuns: 50 },
  )
})

t.test('every pod has exactly one verdict and every kept or refused one a reason', async (t) => {
  holds((of, { pods, nodes }) => {
    if (pods.length !== of.pods.length || nodes.length !== of.nodes.length)
      throw new Error('one verdict each')
    for (const { reasons } of [...pods, ...nodes]) if (reasons.length === 0) throw new Error('no reason')
  })
  t.pass()
})

t.test('a pod that is said to fit on a node fits there by the filters', async (t) => {
  holds((of, { pods }) => {
    // Those that the plan puts first may be what the next ones are drawn to, so the first is what can be asked alone.
    const first = pods.find(({ verdict }) => verdict === 'fits')
    if (!first?.node) return
    const { fits, reasons } = fitOf(
      {
        ...of,
        pods: of.pods.filter((one) => one.spec.nodeName || `default/${one.metadata.name}` === first.pod),
      },
      options,
      decidedAt,
      first.pod,
      first.node,
    )
    const drawn = reasons.every(({ code }) => code === 'InterPodAffinity' || code === 'PodTopologySpread')
    if (!fits && !drawn) throw new Error(`${first.pod} does not fit on ${first.node}`)
  })
  t.pass()
})

t.test('carried out, a plan leaves no pod where it does not fit', async (t) => {
  holds((of, done) => {
    const after = carriedOut(of, done)
    for (const { pod: name, node: on, verdict } of done.pods) {
      if ((verdict !== 'fits' && verdict !== 'scaleUp') || on === undefined) continue
      const { reasons } = fitOf(after, options, decidedAt, name, on)
      // Which of two pods came first is lost in the result, so only what cannot depend on it is asked.
      const broken = reasons.filter(({ code }) => code !== 'InterPodAffinity' && code !== 'PodTopologySpread')
      if (broken.length > 0) throw new Error(`${name} on ${on}: ${JSON.stringify(broken)}`)
    }
  })
  t.pass()
})

/** The state with all pods where the plan puts them and all new nodes there. */
function carriedOut(of: ClusterState, { pods, nodes, newNodes }: Plan): ClusterState {
  const moved = new Map(nodes.flatMap(({ moves }) => moves.map(({ pod: name, to }) => [name, to] as const)))
  const placed = new Map(
    pods.flatMap(({ pod: name, node: on, verdict }) =>
      on && (verdict === 'fits' || verdict === 'scaleUp') ? [[name, on] as const] : [],
    ),
  )
  const bought = newNodes.map(({ name, offering: size, nodeGroup: group }) => {
    const { allocatable = {} } = offering(size)
    const disk = group.endsWith('/fast') ? { disk: 'ssd' } : {}
    return node(name, { metadata: { labels: disk }, status: { allocatable } })
  })
  return {
    ...of,
    nodes: [...of.nodes, ...bought],
    pods: of.pods.map((one) => {
      const key = `default/${one.metadata.name}`
      const nodeName = moved.get(key) ?? placed.get(key)
      return nodeName
        ? { ...one, spec: { ...one.spec, nodeName }, status: { phase: 'Running' as const } }
        : one
    }),
  }
}

t.test('no plan goes past a maximum, below a minimum or past a cost', async (t) => {
  holds((of, { groups }) => {
    for (const { nodeGroup: key, current, target, monthlyCost } of groups) {
      const group = of.nodeGroups.find(({ metadata }) => key.endsWith(`/${metadata.name}`))
      const { minNodes = 0, maxNodes = 0, maxMonthlyCost = Number.POSITIVE_INFINITY } = group?.spec ?? {}
      if (target > Math.max(current, maxNodes)) throw new Error('above the maximum')
      if (target < Math.min(current, minNodes)) throw new Error('below the minimum')
      if (target > current && monthlyCost > maxMonthlyCost) throw new Error('past the cost')
    }
  })
  t.pass()
})

t.test(
  'what is removed is exactly what has that verdict, and each of its pods has a place on a node that stays',
  async (t) => {
    holds((of, { actions, nodes }) => {
      const removed = actions
        .flatMap(({ type, nodes: names = [] }) => (type === 'remove' ? names : []))
        .sort()
      const verdicts = nodes.filter(({ verdict }) => verdict === 'remove')
      if (JSON.stringify(removed) !== JSON.stringify(verdicts.map(({ node: name }) => name)))
        throw new Error('other nodes')
      for (const { evict, moves } of verdicts) {
        const needed = evict.filter(
          (name) =>
            (of.pods.find(({ metadata }) => name === `default/${metadata.name}`)?.spec.priority ?? 0) >= -10,
        )
        if (JSON.stringify(moves.map(({ pod: name }) => name)) !== JSON.stringify(needed))
          throw new Error('a pod without a place')
        if (moves.some(({ to }) => removed.includes(to))) throw new Error('a place that goes')
      }
    })
    t.pass()
  },
)

t.test(
  'what is replaced saves money, has a place for each of its pods, and leaves nobody without one',
  async (t) => {
    let replacements = 0
    // A group that grows replaces nothing.
    const calm = state.map((of) => ({ ...of, pods: of.pods.filter(({ spec }) => spec.nodeName) }))
    fc.assert(
      fc.property(calm, (of) => {
        const { actions, nodes, newNodes } = plan(of)
        const own = actions.filter(({ type }) => type === 'replace')
        const saved = own.reduce((sum, { monthlyCost: cost }) => sum - cost, 0)
        const given = nodes.filter(({ verdict }) => verdict === 'replace').map(({ node: name }) => name)
        t.strictSame([...new Set(own.flatMap(({ nodes: names = [] }) => names))].sort(), given)
        if (own.length === 0) return
        replacements++
        t.ok(saved > 0, `saves ${saved}`)
        const places = new Set([...newNodes.map(({ name }) => name), ...nodes.map(({ node: name }) => name)])
        for (const { verdict, evict, moves } of nodes) {
          if (verdict !== 'replace') continue
          for (const { to } of moves) t.ok(places.has(to) && !given.includes(to), to)
          t.ok(moves.every(({ pod: name }) => evict.includes(name)))
        }
      }),
      { numRuns: 400 },
    )
    t.ok(replacements > 0, 'some are replaced')
  },
)

t.test('the costs of a plan are those of its actions', async (t) => {
  holds((_, { actions, monthlyCost, groups }) => {
    const change = actions.reduce((sum, { monthlyCost: cost }) => sum + cost, 0)
    if (Math.abs(monthlyCost.planned - monthlyCost.now - change) > 0.005) throw new Error('costs differ')
    const total = groups.reduce((sum, { monthlyCost: cost }) => sum + cost, 0)
    if (Math.abs(total - monthlyCost.planned) > 0.005) throw new Error('groups differ')
  })
  t.pass()
})
