import t from 'tap'
import type { NodeDecision, Plan, PodDecision } from '../../../controller/decide/plan.ts'
import { createRecords } from '../../../controller/record/records.ts'
import { pod } from '../../fixtures/objects.ts'
import { clusterState } from '../../fixtures/state.ts'

const at = (minute: number) => `2026-01-02T00:${String(minute).padStart(2, '0')}:00Z`

function plan(over: Partial<Plan> = {}): Plan {
  return {
    at: at(0),
    actions: [],
    pods: [],
    nodes: [],
    groups: [],
    newNodes: [],
    monthlyCost: { now: 0, planned: 0 },
    ...over,
  }
}

const waits = (message = 'no room', name = 'default/a'): PodDecision => ({
  pod: name,
  verdict: 'unschedulable',
  reasons: [{ code: 'NoGroupFits', message }],
})

const stays = (code: 'AboveThreshold' | 'UsageHigh', message = 'busy'): NodeDecision => ({
  node: 'n1',
  nodeGroup: 'kube-system/workers',
  verdict: 'keep',
  evict: [],
  moves: [],
  reasons: [{ code, message }],
})

const state = clusterState({ pods: [pod('a')] })

t.test('a verdict is a change once, however its figures differ afterwards', async (t) => {
  const records = createRecords()
  const first = records.keep(state, plan({ pods: [waits()], nodes: [stays('UsageHigh')] }), 1)
  t.strictSame(
    first.changes.map(({ kind, name }) => `${kind} ${name}`),
    ['node n1', 'pod default/a'],
  )
  const second = records.keep(
    state,
    plan({ at: at(1), pods: [waits('less room')], nodes: [stays('UsageHigh', 'busier')] }),
    1,
  )
  t.strictSame(second.changes, [])
  t.equal(records.history.length, 1, 'a decision that changed nothing is left out')
  t.equal(records.since('pod', 'default/a'), at(0))
  t.equal(records.last?.plan.at, at(1))
})

t.test('another reason is a change, and its time starts then', async (t) => {
  const records = createRecords()
  records.keep(state, plan({ nodes: [stays('UsageHigh')] }), 1)
  const { changes } = records.keep(state, plan({ at: at(3), nodes: [stays('AboveThreshold')] }), 1)
  t.match(changes, [{ kind: 'node', name: 'n1', reasons: [{ code: 'AboveThreshold' }] }])
  t.equal(records.since('node', 'n1'), at(3))
})

t.test('a node that goes has had its verdict since it became unneeded', async (t) => {
  const records = createRecords()
  const decision: NodeDecision = { ...stays('UsageHigh'), verdict: 'remove', since: at(0) }
  records.keep(state, plan({ at: at(9), nodes: [decision] }), 1)
  t.equal(records.since('node', 'n1'), at(0))
})

t.test('a pod made anew under its old name is another pod', async (t) => {
  const records = createRecords()
  records.keep(state, plan({ pods: [waits()] }), 1)
  const anew = pod('a')
  const again = clusterState({ pods: [{ ...anew, metadata: { ...anew.metadata, uid: 'another' } }] })
  t.match(records.keep(again, plan({ at: at(1), pods: [waits()] }), 1).changes, [{ name: 'default/a' }])
})

t.test('what has gone is forgotten', async (t) => {
  const records = createRecords()
  records.keep(state, plan({ pods: [waits()] }), 1)
  records.keep(clusterState(), plan({ at: at(1) }), 1)
  t.equal(records.since('pod', 'default/a'), undefined)
})

t.test('the log is bounded: few changes of one decision, few decisions, the newest last', async (t) => {
  const records = createRecords()
  for (let i = 0; i < 600; i++) {
    const pods = Array.from({ length: 300 }, (_, n) => pod(`p${i}-${n}`))
    const decisions = pods.map(({ metadata }) => waits('no room', `default/${metadata.name}`))
    const all = records.keep(clusterState({ pods }), plan({ pods: decisions }), 1)
    t.equal(all.changes.length, 300, 'whoever tells of it gets all')
  }
  const { history } = records
  t.equal(history.at(-1)?.seq, 600)
  t.strictSame([history.at(-1)?.changes.length, history.at(-1)?.omitted], [200, 100])
  t.equal(history.length, 10)

  for (let i = 0; i < 600; i++)
    records.keep(state, plan({ nodes: [stays(i % 2 ? 'UsageHigh' : 'AboveThreshold')] }), 1)
  t.equal(records.history.length, 500)
})

t.test('listeners hear of each decision, and of the end of the lead', async (t) => {
  const records = createRecords()
  let heard = 0
  const stop = records.onDecision(() => heard++)
  records.keep(state, plan(), 1)
  records.clear()
  t.equal(heard, 2)
  t.strictSame([records.last, records.history], [undefined, []])
  stop()
  records.keep(state, plan(), 1)
  t.equal(heard, 2)
})
