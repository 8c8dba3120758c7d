import t from 'tap'
import { resources } from '../../../common/kube/resources.ts'
import { lookAfterMachines } from '../../../controller/nodes/lifecycle.ts'
import { createMemory } from '../../../controller/nodes/memory.ts'
import { createOrphanReport } from '../../../controller/nodes/orphans.ts'
import { metricOf } from '../../fixtures/controller.ts'
import { machine, machinePass, minute } from '../../fixtures/machine-pass.ts'
import { node } from '../../fixtures/objects.ts'

const signal = new AbortController().signal
const name = { namespace: 'kube-system', name: 'workers' }

/** A claim with machine m-1, and a report after each list of everything. */
function reported(t: Parameters<typeof machinePass>[0]) {
  const pass = machinePass(t)
  pass.machines.push(machine('m-1', 0))
  pass.setClaim({ spec: { vpsieNodeIdentifier: 'm-1' }, status: { phase: 'Ready' } })
  const memory = createMemory(pass.clock)
  const report = createOrphanReport(pass.deps, memory)
  return {
    ...pass,
    lines: () => pass.store.get(resources.nodeGroups, name).status?.orphans ?? [],
    async look(times = 1) {
      for (let i = 0; i < times; i++) {
        await report(await lookAfterMachines(pass.deps, { listAll: true, memory }, signal), signal)
        await pass.clock.advance(minute)
      }
    },
  }
}

t.test('where everything matches nothing is told', async (t) => {
  const { look, lines, events } = reported(t)
  await look()
  t.strictSame(lines(), [])
  t.notOk(events.some((reason) => /Unclaimed|Missing|Without|Short/.test(reason)))
})

t.test('a machine that nobody owns has a metric, one event and a line, until it is gone', async (t) => {
  const { look, lines, events, machines, deps } = reported(t)
  machines.push(machine('by-hand', 0))
  await look(3)
  t.equal(await metricOf(deps.metrics.machines_unclaimed), 1)
  t.equal(events.filter((reason) => reason === 'UnclaimedMachine').length, 1)
  t.match(lines(), [/machine by-hand of cluster cluster-1 belongs to no VPSieNode/])
  machines.pop()
  await look()
  t.strictSame(lines(), [])
  t.equal(await metricOf(deps.metrics.machines_unclaimed), 0)
})

t.test('a claim whose machine two lists lack is told on the claim and its NodeGroup', async (t) => {
  const { look, lines, events, machines, deps } = reported(t)
  machines.length = 0
  await look()
  t.strictSame(lines(), [])
  await look()
  t.match(lines(), [/VPSieNode workers-1: VPSie lists its machine no more/])
  t.equal(await metricOf(deps.metrics.vpsienodes_without_machine), 1)
  t.ok(events.includes('MachineMissing'))
})

t.test('a Node of a group that no claim owns is told, and not touched', async (t) => {
  const { look, lines, events, store, deps } = reported(t)
  store.create(resources.nodes, node('stray', { spec: { providerID: 'vpsie://dc-1/cluster-1/m-9' } }))
  await look()
  t.match(lines(), [/Node stray belongs to no VPSieNode/])
  t.equal(await metricOf(deps.metrics.nodes_without_vpsienode), 1)
  t.ok(events.includes('NodeWithoutClaim'))
  t.ok(store.find(resources.nodes, { name: 'stray' }))
})

t.test(
  'a list that lacks more than can be believed is told, and no claim is said to lack its machine',
  async (t) => {
    const { look, lines, events, machines, store, key, claim, deps } = reported(t)
    const first = claim()
    for (const n of [2, 3]) {
      const { uid: _, resourceVersion: __, ...metadata } = { ...first?.metadata, name: `workers-${n}` }
      store.create(resources.vpsieNodes, {
        ...first,
        metadata: { ...metadata, namespace: key.namespace },
        spec: { ...first?.spec, vpsieNodeIdentifier: `m-${n}` },
      } as never)
    }
    for (const n of [1, 2, 3]) {
      const spec = { providerID: `vpsie://dc-1/cluster-1/m-${n}` }
      store.create(resources.nodes, node(`n-${n}`, { spec }))
    }
    machines.length = 0
    await look(3)
    t.match(lines(), [/list of the machines of cluster cluster-1 lacks more than can be believed/])
    t.equal(await metricOf(deps.metrics.machine_lists_short), 1)
    t.ok(events.includes('MachineListShort'))
  },
)
