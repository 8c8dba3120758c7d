import t, { type Test } from 'tap'
import type { EventRecorder } from '../../../common/kube/events.ts'
import type { Change } from '../../../controller/record/records.ts'
import { tellChanges } from '../../../controller/status/changes.ts'
import { controllerDeps } from '../../fixtures/controller.ts'
import { storeOfOurs } from '../../fixtures/kube-client.ts'
import { pod } from '../../fixtures/objects.ts'
import { clusterState } from '../../fixtures/state.ts'

const ofPod = (over: Partial<Change>): Change => ({
  kind: 'pod',
  name: 'default/a',
  verdict: 'unschedulable',
  reasons: [{ code: 'GroupAtMax', message: 'has 3 nodes, maxNodes is 3', object: 'kube-system/workers' }],
  ...over,
})

/** Tells of `changes` about a state with the waiting pod default/a; gives all that was told. */
async function told(t: Test, changes: Change[]) {
  const events: string[] = []
  const record: EventRecorder['record'] = (about, type, reason, message) =>
    void events.push(`${about.metadata.name} ${type} ${reason}: ${message}`)
  const deps = { ...controllerDeps(t, storeOfOurs()), events: { record } }
  const state = clusterState({ pods: [pod('a')] })
  const decision = {
    seq: 1,
    at: '',
    decideMs: 0,
    actions: [],
    monthlyCost: { now: 0, planned: 0 },
    omitted: 0,
  }
  tellChanges(deps, state, { ...decision, changes })
  const metrics = {
    pods: (await deps.metrics.unschedulable_pods_total.get()).values,
    nodes: (await deps.metrics.scale_down_blocked_total.get()).values,
  }
  return { events, metrics }
}

t.test('a pod that gets no node hears why, and is counted by its first reason', async (t) => {
  const { events, metrics } = await told(t, [ofPod({})])
  t.strictSame(events, [
    'a Normal NotTriggerScaleUp: No node is added: GroupAtMax: has 3 nodes, maxNodes is 3',
  ])
  t.match(metrics.pods, [{ value: 1, labels: { constraint: 'GroupAtMax', namespace: 'default' } }])
})

t.test('a pod that a node is bought for hears of it', async (t) => {
  const { events, metrics } = await told(t, [
    ofPod({
      verdict: 'scaleUp',
      nodeGroup: 'kube-system/workers',
      offering: 'small',
      reasons: [{ code: 'NewNode', message: 'a node of size small is added' }],
    }),
  ])
  t.strictSame(events, ['a Normal TriggeredScaleUp: a node of size small is added'])
  t.strictSame(metrics.pods, [])
})

t.test('a node that stays is counted by what keeps it, one that goes is not', async (t) => {
  const node: Change = {
    kind: 'node',
    name: 'n1',
    verdict: 'keep',
    nodeGroup: 'kube-system/workers',
    reasons: [{ code: 'UsageHigh', message: 'CPU usage is 80 %' }],
  }
  const { events, metrics } = await told(t, [node, { ...node, name: 'n2', verdict: 'remove' }])
  t.strictSame(events, [])
  t.match(metrics.nodes, [
    { value: 1, labels: { nodegroup: 'workers', namespace: 'kube-system', reason: 'UsageHigh' } },
  ])
  t.equal(metrics.nodes.length, 1)
})

t.test('a pod that has gone meanwhile is not told of', async (t) => {
  const { events } = await told(t, [ofPod({ name: 'default/gone' })])
  t.strictSame(events, [])
})
