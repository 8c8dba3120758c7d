import t, { type Test } from 'tap'
import { resources } from '../../../common/kube/resources.ts'
import type { NodeDecision, Plan } from '../../../controller/decide/plan.ts'
import { reportNodeGroup } from '../../../controller/status/nodegroup.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { controllerDeps } from '../../fixtures/controller.ts'
import { storeOfOurs } from '../../fixtures/kube-client.ts'
import { nodeGroup, vpsieNode } from '../../fixtures/objects.ts'
import { clusterState } from '../../fixtures/state.ts'

const { signal } = new AbortController()
const name = { namespace: 'kube-system', name: 'workers' }

function planOf(code: NodeDecision['reasons'][number]['code'], message: string): Plan {
  const node: NodeDecision = {
    node: 'workers-a1b2c3d4',
    nodeGroup: 'kube-system/workers',
    verdict: 'keep',
    evict: [],
    moves: [],
    reasons: [{ code, message }],
  }
  const group = { nodeGroup: 'kube-system/workers', current: 1, target: 1, monthlyCost: 10, reasons: [] }
  const rest = { actions: [], pods: [], newNodes: [], monthlyCost: { now: 10, planned: 10 } }
  return { at: '', groups: [group], nodes: [node], ...rest }
}

/** A group with one node; `report` writes a plan's word about it, and gives the reason that the status shows then. */
function scene(t: Test) {
  const clock = virtualClock()
  const store = storeOfOurs({ clock })
  store.create(resources.nodeGroups, nodeGroup())
  const deps = controllerDeps(t, store, { clock })
  const report = async (plan: Plan) => {
    const present = store.get(resources.nodeGroups, name)
    const state = clusterState({ nodeGroups: [present], vpsieNodes: [vpsieNode()] })
    await reportNodeGroup(deps, present, state, plan, signal)
    return store.get(resources.nodeGroups, name).status?.nodes?.[0]?.reason
  }
  return { clock, report }
}

t.test('a reason whose figures alone differ is written once a minute, no more', async (t) => {
  const { clock, report } = scene(t)
  t.equal(await report(planOf('UsageHigh', 'CPU usage is 71 %')), 'UsageHigh: CPU usage is 71 %')
  await clock.advance(10_000)
  t.equal(await report(planOf('UsageHigh', 'CPU usage is 74 %')), 'UsageHigh: CPU usage is 71 %')
  await clock.advance(50_000)
  t.equal(await report(planOf('UsageHigh', 'CPU usage is 75 %')), 'UsageHigh: CPU usage is 75 %')
})

t.test('another reason is written at once', async (t) => {
  const { clock, report } = scene(t)
  await report(planOf('UsageHigh', 'CPU usage is 71 %'))
  await clock.advance(1_000)
  t.equal(await report(planOf('AtMin', 'minNodes is 1')), 'AtMin: minNodes is 1')
})
