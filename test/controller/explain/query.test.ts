import t from 'tap'
import { decide } from '../../../controller/decide/decide.ts'
import { createExplainQuery } from '../../../controller/explain/query.ts'
import { createRecords } from '../../../controller/record/records.ts'
import { node, nodeGroup, pod } from '../../fixtures/objects.ts'
import { clusterState, decidedAt, decisionOptions } from '../../fixtures/state.ts'

function ask() {
  const groups = Array.from({ length: 5 }, (_, i) => nodeGroup(`g-${i}`, { spec: { maxNodes: 0 } }))
  const state = clusterState({
    nodes: [node('node-1', { spec: { unschedulable: true } })],
    pods: [pod('pod-1')],
    nodeGroups: groups,
  })
  const records = createRecords()
  const options = decisionOptions()
  records.keep(state, decide(state, options, decidedAt), 1)
  return createExplainQuery({ records, options, leader: async () => undefined })
}

const staying = new AbortController().signal

t.test('what nobody waits for any more is not decided on, and the next has its turn', async (t) => {
  const query = ask()
  const gone = new AbortController()
  let steps = 0
  const leaving = query({ pod: 'default/pod-1' }, gone.signal)
  const neverBegun = query({ pod: 'default/pod-1' }, gone.signal)
  const next = query({ node: 'node-1' }, staying)
  // Each decision comes after a turn of the event loop: after two it is in the midst of them.
  const leave = () => (++steps === 2 ? gone.abort(new Error('gone')) : setImmediate(leave))
  setImmediate(leave)
  await t.rejects(leaving, /gone/)
  await t.rejects(neverBegun, /gone/)
  t.match(await next, { kind: 'node', name: 'node-1' })
  t.match(await query({ pod: 'default/pod-1' }, staying), { verdict: 'unschedulable' })
})

t.test('so many may wait for an explanation, and the next is sent away for a second', async (t) => {
  const query = ask()
  const waiting = Array.from({ length: 8 }, () => query({ node: 'node-1' }, staying))
  await t.rejects(query({ node: 'node-1' }, staying), /too many/)
  t.equal((await Promise.all(waiting)).length, 8)
  t.match(await query({ node: 'node-1' }, staying), { kind: 'node' })
})
