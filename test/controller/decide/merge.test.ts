import t from 'tap'
import { nodeGroup, pod, requests } from '../../fixtures/objects.ts'
import { actionTexts, offering, planFor } from '../../fixtures/state.ts'

const size = (name: string, cpu: number, monthlyPrice: number) =>
  offering(name, {
    monthlyPrice,
    allocatable: { cpu: `${cpu - 0.1}`, memory: `${cpu * 2}Gi`, 'ephemeral-storage': '50Gi', pods: '110' },
  })
const offerings = [size('small', 2, 20), size('medium', 4, 38), size('large', 8, 74)]
const waiting = (name: string, count: number, cpu: string, memory: string, app = name) =>
  Array.from({ length: count }, (_, i) =>
    pod(`${name}-${i}`, { requests: requests(cpu, memory), metadata: { labels: { app } } }),
  )
const group = (over = {}) => [
  nodeGroup('workers', {
    spec: { offeringIDs: ['small', 'medium', 'large'], allowMixedInstances: true, ...over },
  }),
]

t.test('two machines that are bought last become one of another size where that costs less', async (t) => {
  const pods = [
    ...waiting('web', 4, '300m', '256Mi'),
    ...waiting('api', 4, '700m', '1Gi'),
    ...waiting('batch', 4, '1500m', '3Gi'),
  ]
  const plan = planFor({ offerings, pods, nodeGroups: group() })
  t.equal(plan.monthlyCost.planned, 112)
  t.strictSame(actionTexts(plan), ['create 1 large', 'create 1 medium'])
  t.strictSame(
    plan.newNodes.map(({ name }) => name),
    ['new-1', 'new-2'],
    'names follow one another',
  )
  t.equal(plan.newNodes.flatMap((one) => one.pods).length, 12)
  const names = new Set(plan.newNodes.map(({ name }) => name))
  for (const { node = '' } of plan.pods) t.ok(names.has(node), node)
})

t.test('pods that refuse each other stay apart', async (t) => {
  const affinity = {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  }
  const pods = waiting('web', 2, '1500m', '1Gi').map((one) => ({ ...one, spec: { ...one.spec, affinity } }))
  const plan = planFor({
    offerings: [size('small', 2, 20), size('medium', 4, 30)],
    pods,
    nodeGroups: group(),
  })
  t.strictSame(actionTexts(plan), ['create 2 small'])
})

t.test('a minimum that was asked for is not merged away', async (t) => {
  const plan = planFor({
    offerings: [size('small', 2, 20), size('medium', 4, 30)],
    pods: waiting('web', 2, '1500m', '1Gi'),
    nodeGroups: group({ minNodes: 2 }),
  })
  t.equal(plan.newNodes.length, 2)
})
