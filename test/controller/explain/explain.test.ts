import t from 'tap'
import { keyOf } from '../../../common/kube/resources.ts'
import { decide } from '../../../controller/decide/decide.ts'
import type { Plan } from '../../../controller/decide/plan.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'
import { explain } from '../../../controller/explain/explain.ts'
import type { Explanation, Subject } from '../../../controller/explain/explanation.ts'
import { verdictOf } from '../../../controller/explain/subject.ts'
import { createRecords } from '../../../controller/record/records.ts'
import { readExamples } from '../../../manifests/reasons.ts'
import { boundPod, node, nodeGroup, pod } from '../../fixtures/objects.ts'
import { clusterState, decidedAt, decisionOptions, offering } from '../../fixtures/state.ts'

function subjectOf(object: string, plan: Plan): Subject {
  const [, kind = '', name = ''] = /^(pod|node|group)\/(.*)$/.exec(object) ?? []
  const names = plan.groups.map(({ nodeGroup }) => nodeGroup)
  return {
    kind: kind as Subject['kind'],
    name: kind === 'group' ? (names.find((one) => one.endsWith(`/${name}`)) ?? name) : name,
  }
}

// What nothing that anybody could set would change: no size is large enough, the machine is lost or not ours.
const hopeless = [
  'pod/default/too-large',
  'pod/default/wants-gpu',
  'node/node-a',
  'node/gone-silent',
  'node/never-came',
  'node/control-plane',
  'node/by-hand',
]

for (const { title, objects, situation } of await readExamples()) {
  const { state, options, now } = situation
  const plan = decide(state, options, now)
  for (const object of objects.filter((one) => !one.startsWith('group/'))) {
    t.test(`${title}: it is told what would change the verdict of ${object}`, async (t) => {
      const explanation = await explain(situation, plan, subjectOf(object, plan))
      const changes = explanation?.wouldChange.filter(({ helps }) => helps) ?? []
      const isServed = ['scaleUp', 'fits', 'bound'].includes(explanation?.verdict ?? '')
      t.equal(
        changes.length > 0,
        !hopeless.includes(object) && !isServed,
        JSON.stringify(explanation?.reasons),
      )
      for (const { verdict } of changes) t.not(verdict, explanation?.verdict)
    })
  }
}

/** What is told about the subject in a state, with the plan it is told of. */
async function told(subject: Subject, over: Partial<ClusterState>, ...args: string[]) {
  const state = clusterState(over)
  const options = decisionOptions(...args)
  const plan = decide(state, options, decidedAt)
  const explanation = await explain({ state, options, now: decidedAt }, plan, subject)
  if (!explanation) throw new Error(`the plan does not know ${subject.name}`)
  return { state, options, plan, explanation }
}

const waiting = { kind: 'pod', name: 'default/pod-1' } as const
const idle = { kind: 'node', name: 'node-1' } as const
const unneeded = (name: string) =>
  node(name, { metadata: { annotations: { 'autoscaler.vpsie.com/unneeded-since': '2026-01-01T00:00:00Z' } } })

/** A sentence, and what a person who believes it does. */
const believers: {
  title: string
  subject: Subject
  state: Partial<ClusterState>
  args?: string[]
  says: string
  does: (state: ClusterState) => ClusterState
  withArgs?: string[]
}[] = [
  {
    title: 'a larger maxNodes',
    subject: waiting,
    state: {
      pods: [pod('pod-1'), pod('pod-2')],
      nodeGroups: [nodeGroup('workers', { spec: { maxNodes: 0 } })],
    },
    says: 'maxNodes of NodeGroup kube-system/workers were 1 rather than 0',
    does: (state) => ({ ...state, nodeGroups: [nodeGroup('workers', { spec: { maxNodes: 1 } })] }),
  },
  {
    title: 'a larger maxMonthlyCost',
    subject: waiting,
    state: { pods: [pod()], nodeGroups: [nodeGroup('workers', { spec: { maxMonthlyCost: 5 } })] },
    says: 'maxMonthlyCost of NodeGroup kube-system/workers were 10.00 rather than 5.00',
    does: (state) => ({ ...state, nodeGroups: [nodeGroup('workers', { spec: { maxMonthlyCost: 10 } })] }),
  },
  {
    title: 'a larger limit of the whole cluster',
    subject: waiting,
    state: { pods: [pod()] },
    args: ['--max-monthly-cost=5'],
    says: '--max-monthly-cost were 10.00 rather than 5.00',
    does: (state) => state,
    withArgs: ['--max-monthly-cost=10'],
  },
  {
    title: 'another size',
    subject: waiting,
    state: {
      pods: [pod('pod-1', { requests: { cpu: '3', memory: '1Gi' } })],
      offerings: [offering('small'), offering('large')],
    },
    says: 'offeringIDs of NodeGroup kube-system/workers had large too, and allowMixedInstances were true',
    does: (state) => ({
      ...state,
      nodeGroups: [
        nodeGroup('workers', { spec: { offeringIDs: ['small', 'large'], allowMixedInstances: true } }),
      ],
    }),
  },
  {
    title: 'a smaller minNodes',
    subject: idle,
    state: { nodes: [unneeded('node-1')], nodeGroups: [nodeGroup('workers', { spec: { minNodes: 1 } })] },
    says: 'minNodes of NodeGroup kube-system/workers were 0 rather than 1',
    does: (state) => ({ ...state, nodeGroups: [nodeGroup('workers', { spec: { minNodes: 0 } })] }),
  },
  {
    title: 'a higher threshold',
    subject: idle,
    state: {
      nodes: [unneeded('node-1'), node('node-2')],
      pods: [
        boundPod('pod-1', 'node-1', { requests: { cpu: '1500m' } }),
        boundPod('pod-2', 'node-2', { requests: { cpu: '100m' } }),
      ],
    },
    says: 'scaleDownPolicy of NodeGroup kube-system/workers had cpuThreshold 76',
    does: (state) => ({
      ...state,
      nodeGroups: [nodeGroup('workers', { spec: { scaleDownPolicy: { cpuThreshold: 76 } } })],
    }),
  },
]

for (const { title, subject, state: over, args = [], says, does, withArgs = args } of believers) {
  t.test(`${title} does what was said of it, at that cost`, async (t) => {
    const { state, plan, explanation } = await told(subject, over, ...args)
    const change = explanation.wouldChange.find((one) => one.if === says)
    t.ok(change?.helps, JSON.stringify(explanation.wouldChange.map((one) => one.if)))
    const after = decide(does(state), decisionOptions(...withArgs), decidedAt)
    t.equal(verdictOf(after, subject)?.verdict, change?.verdict)
    t.equal(after.monthlyCost.planned - plan.monthlyCost.planned, change?.monthlyCost)
  })
}

t.test('what was considered for a pod: every size, the chosen first, each with its price', async (t) => {
  const { explanation } = await told(waiting, {
    pods: [pod()],
    offerings: [offering('small'), offering('large')],
    nodeGroups: [
      nodeGroup('workers', { spec: { offeringIDs: ['small', 'large'], allowMixedInstances: true } }),
    ],
  })
  t.match(explanation.considered, [
    { what: /size small/, verdict: 'chosen', monthlyCost: 10 },
    { what: /size large/, verdict: 'possible', monthlyCost: 36 },
  ])
})

t.test('nothing is possible for a pod when others have taken the last node', async (t) => {
  const full = { requests: { cpu: '1500m' } }
  const { explanation } = await told(
    { kind: 'pod', name: 'default/pod-2' },
    {
      pods: ['pod-1', 'pod-2'].map((name) =>
        pod(name, { spec: { containers: [{ name: 'app', resources: full }] } }),
      ),
      offerings: [offering('small')],
      nodeGroups: [nodeGroup('workers', { spec: { maxNodes: 1 } })],
    },
  )
  t.match(explanation.considered, [
    { what: /size small/, verdict: 'no', reasons: [{ code: 'GroupAtMax', object: 'kube-system/workers' }] },
  ])
})

t.test('of a node that is replaced it is told why it is not merely removed', async (t) => {
  const { explanation } = await told(idle, {
    nodes: [
      node('node-1', {
        metadata: {
          creationTimestamp: '2025-12-01T00:00:00Z',
          labels: { 'autoscaler.vpsie.com/offering': 'large' },
          annotations: { 'autoscaler.vpsie.com/unneeded-since': '2026-01-01T00:00:00Z' },
        },
      }),
    ],
    pods: [boundPod('pod-1', 'node-1')],
    offerings: [offering('small'), offering('large')],
    nodeGroups: [
      nodeGroup('workers', {
        spec: { offeringIDs: ['small', 'large'], costOptimization: { enabled: true, minMonthlySavings: 1 } },
      }),
    ],
  })
  t.equal(explanation.verdict, 'replace')
  t.match(explanation.considered, [
    { what: /size small .* in its place/, verdict: 'chosen' },
    { what: 'to keep it', verdict: 'possible' },
    { what: 'to remove it', verdict: 'no', reasons: [{ code: 'NoPlaceToMove', object: 'default/pod-1' }] },
  ])
})

t.test('what was considered for a group that grows: the size that is bought is the chosen one', async (t) => {
  const { explanation } = await told(
    { kind: 'group', name: 'kube-system/workers' },
    {
      pods: [pod()],
      offerings: [offering('small'), offering('large')],
      nodeGroups: [
        nodeGroup('workers', { spec: { offeringIDs: ['small', 'large'], allowMixedInstances: true } }),
      ],
    },
  )
  t.match(explanation.considered, [
    { what: /size small/, verdict: 'chosen' },
    { what: /size large/, verdict: 'possible' },
  ])
})

t.test('where it takes a change and then time, both are told', async (t) => {
  const busy = (name: string, cpu: string) => boundPod(`on-${name}`, name, { requests: { cpu } })
  const { explanation } = await told(idle, {
    nodes: [node('node-1'), node('node-2')],
    pods: [busy('node-1', '1200m'), busy('node-2', '100m')],
    nodeGroups: [nodeGroup('workers', { spec: { minNodes: 1 } })],
  })
  t.match(explanation.reasons, [{ code: 'AboveThreshold' }])
  t.match(explanation.wouldChange, [
    {
      if: 'scaleDownPolicy of NodeGroup kube-system/workers had cpuThreshold 61, and it were 2026-01-02T00:10:00Z and nothing else had changed',
      helps: true,
      verdict: 'remove',
    },
  ])
})

t.test('what was before is told newest first, and since when it is so', async (t) => {
  const records = createRecords()
  const options = decisionOptions()
  const subject = idle
  let last: Explanation | undefined
  for (const [minute, minNodes] of [0, 1].entries()) {
    const state = clusterState({
      nodes: [unneeded('node-1')],
      nodeGroups: [nodeGroup('workers', { spec: { minNodes } })],
    })
    const now = decidedAt + minute * 60_000
    const plan = decide(state, options, now)
    records.keep(state, plan, 1)
    last = await explain({ state, options, now }, plan, subject, { memory: records })
  }
  t.match(last, { verdict: 'keep', since: '2026-01-01T00:00:00Z' })
  t.match(last?.history, [
    { at: '2026-01-02T00:01:00Z', verdict: 'keep' },
    { at: '2026-01-02T00:00:00Z', verdict: 'remove' },
  ])
})

t.test(
  'what would change a verdict is looked for in no more than sixteen decisions, and lets others go on before each',
  async (t) => {
    let pauses = 0
    const groups = Array.from({ length: 30 }, (_, i) => nodeGroup(`g-${i}`, { spec: { maxNodes: 0 } }))
    const state = clusterState({ pods: [pod()], nodeGroups: groups })
    const options = decisionOptions()
    const plan = decide(state, options, decidedAt)
    const pause = async () => {
      pauses++
    }
    await explain({ state, options, now: decidedAt }, plan, waiting, { pause })
    t.ok(pauses > 1 && pauses <= 16, `${pauses}`)
    t.equal(state.nodeGroups.map(keyOf).length, 30)
  },
)
