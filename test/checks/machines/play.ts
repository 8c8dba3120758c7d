import { annotations, configName } from '../../../common/api/names.ts'
import type { VPSieNode } from '../../../common/api/vpsienode.ts'
import { resources } from '../../../common/kube/resources.ts'
import { isMovable } from '../../../controller/nodes/drain.ts'
import type { RequestName } from '../../simulators/vpsie/faults.ts'
import type { SimulatedMachine } from '../../simulators/vpsie/model.ts'
import type { Verdict } from './oracle.ts'
import type { Script, Step } from './script.ts'
import { createMachineWorld, type MachineWorld, type WorldOptions } from './world.ts'

export interface Played {
  verdict: Verdict
  /** Requests and calls that met a fault, and steps in which something broke. */
  faults: number
  /** Machines that were made for the autoscaler. */
  machines: number
}

// A list is at most so late, see script.ts; the lease of a leader that died runs out within the last.
const latestListMs = 120_000
const longestRestMs = 60 * 60_000
const calmForMs = 150_000
const workloads = [
  { name: 'web', tier: 'a', minAvailable: 1 },
  { name: 'store', tier: 'b', minAvailable: 2 },
  { name: 'batch', tier: 'a', minAvailable: 0 },
] as const

/** Plays a script from an empty cluster until everything is at rest again, and judges. */
export async function play(script: Script, options: WorldOptions = {}): Promise<Played> {
  const world = createMachineWorld(script, options)
  try {
    for (const { name, tier, minAvailable } of workloads)
      world.cluster.setWorkload(name, 0, tier, minAvailable)
    world.startLeader()
    await world.advance(10_000)
    let broken = 0
    for (const step of script.steps) {
      options.trace?.(`--- ${JSON.stringify(step)}`)
      if (await take(step, world)) broken++
    }
    await comeToRest(world)
    const { requests, machines } = world.vpsie
    return {
      verdict: world.oracle.verdict,
      faults: broken + requests.filter(({ fault }) => fault !== undefined).length,
      machines: machines.filter(({ orderedBy }) => orderedBy === 'api').length,
    }
  } finally {
    world.end()
  }
}

/** Carries out one step; true if something was broken by it. */
async function take(step: Step, world: MachineWorld): Promise<boolean> {
  const { vpsie, cluster, weather, store, chance, advance } = world
  const workers = vpsie.machines.filter(
    ({ role, state, identifier }) =>
      role === 'slave' && state !== 'deleted' && !world.oracle.handMade.has(identifier),
  )
  const pick = <T>(items: readonly T[], which: number) => items[which % Math.max(1, items.length)]
  switch (step.kind) {
    case 'wait':
      await advance(step.seconds * 1000)
      return false
    case 'replicas': {
      const { name, tier, minAvailable } = workloads[step.workload % workloads.length] ?? workloads[0]
      cluster.setWorkload(name, step.count, tier, minAvailable)
      await advance(15_000)
      return false
    }
    case 'vpsieFails':
      vpsie.faults.next(world.isVM ? asVM(step.operation) : step.operation, step.fault, step.times)
      return false
    case 'listsShrink':
      vpsie.faults.shrinkLists(step.to)
      await advance(step.seconds * 1000)
      vpsie.faults.shrinkLists(Number.POSITIVE_INFINITY)
      return true
    case 'listsAreLate':
      vpsie.faults.staleMs = () => chance.below(step.upToSeconds * 1000)
      await advance(step.seconds * 1000)
      return true
    case 'tokensExpire':
      vpsie.auth.revokeIssued()
      return true
    case 'outOfStock':
      if (step.isOut) vpsie.cloud.outOfStock.add(11)
      else vpsie.cloud.outOfStock.delete(11)
      return step.isOut
    case 'quota':
      vpsie.cloud.quota = vpsie.cloud.machinesOf('cluster-1').length + step.room
      return true
    case 'boot':
      cluster.nextBoot = step.as
      return true
    case 'nodeDies': {
      const machine = pick(workers, step.which)
      if (machine) cluster.kill(machine)
      return machine !== undefined
    }
    case 'machineVanishes': {
      const machine = pick(workers, step.which)
      if (machine) vanish(machine, world)
      return machine !== undefined
    }
    case 'handMade':
      if (!world.isCalm()) return false
      world.makeByHand()
      await advance(latestListMs + 15_000)
      return false
    case 'protect': {
      protect(pick(workers, step.which), world)
      return false
    }
    case 'claimDeleted': {
      const claim = pick(world.claims(), step.which)
      if (claim) deleteClaim(claim, world)
      return claim !== undefined
    }
    case 'paused':
      store.patch(
        resources.autoscalerConfigs,
        { name: configName },
        { spec: { globalSettings: { paused: step.isPaused } } },
      )
      return false
    case 'apiWeather':
      weather.apiPercent = step.percent
      await advance(step.seconds * 1000)
      weather.apiPercent = 0
      return true
    case 'watchesBreak':
      weather.watchesBroken = true
      await advance(step.seconds * 1000)
      weather.watchesBroken = false
      return true
    case 'leaderDies':
      world.leader().dieAt(step.afterCalls, step.moment)
      await advance(20_000)
      world.leader().die()
      await advance(step.pauseSeconds * 1000)
      world.startLeader()
      return true
    case 'leadersOverlap': {
      const old = world.leader()
      world.startLeader()
      await advance(step.seconds * 1000)
      old.stop()
      await advance(5_000)
      old.die()
      return true
    }
    case 'clockJumps':
      // Clocks that are off by more than an hour are not put up with, see adopt.ts.
      weather.skewMs = step.seconds * 1000
      return true
  }
}

function asVM(operation: RequestName): RequestName {
  const names: Partial<Record<RequestName, RequestName>> = {
    addWorker: 'createVM',
    deleteWorker: 'deleteVM',
    listMachines: 'listVMs',
  }
  return names[operation] ?? operation
}

function vanish(machine: SimulatedMachine, { vpsie, oracle }: MachineWorld): void {
  oracle.vanished.add(machine.identifier)
  vpsie.deleteMachine(machine)
}

/** Marks a Node so that it is kept, if nothing is under way about it. */
function protect(
  machine: SimulatedMachine | undefined,
  { cluster, store, oracle, ownerOf }: MachineWorld,
): void {
  const node = machine && cluster.nodeOf(machine)
  const claim = machine && ownerOf(machine)
  if (!machine || !node || !claim || claim.status?.phase !== 'Ready') return
  if (claim.metadata.deletionTimestamp || (node.spec?.taints ?? []).length > 0) return
  // A mark goes with its Node when the machine comes back under another name.
  if (cluster.bootOf(machine) === 'twice') return
  store.patch(
    resources.nodes,
    { name: node.metadata.name },
    { metadata: { annotations: { [annotations.protected]: 'true' } } },
  )
  oracle.protected.add(machine.identifier)
}

function deleteClaim({ metadata }: VPSieNode, { store, vpsie, oracle, ownerOf }: MachineWorld): void {
  store.delete(resources.vpsieNodes, metadata)
  // A person may take away what the autoscaler has to keep.
  for (const machine of vpsie.machines)
    if (ownerOf(machine)?.metadata.name === metadata.name) oracle.protected.delete(machine.identifier)
}

/** Heals everything, and lets time pass until nothing is on its way. */
async function comeToRest(world: MachineWorld): Promise<void> {
  const { vpsie, weather, store } = world
  vpsie.faults.clear()
  vpsie.cloud.outOfStock.clear()
  vpsie.cloud.quota = Number.POSITIVE_INFINITY
  Object.assign(weather, { apiPercent: 0, watchesBroken: false, skewMs: 0 })
  store.patch(
    resources.autoscalerConfigs,
    { name: configName },
    { spec: { globalSettings: { paused: false } } },
  )
  // A budget that allows nothing would hold a deletion for ever, as it should.
  world.cluster.liftBudgets()
  const leader = world.leader()
  let calmMs = 0
  for (let ms = 0; ms < longestRestMs && calmMs < calmForMs; ms += 15_000) {
    await world.advance(15_000, 15_000)
    deleteByHand(world)
    const isCalm =
      world.restless().length === 0 &&
      vpsie.machines.every(({ state }) => state === 'running' || state === 'deleted')
    calmMs = isCalm ? calmMs + 15_000 : 0
  }
  world.oracle.judgeRest(world.restless(), await leader.unclaimed())
}

/** In a dialect whose lists tell no identifier a deletion may wait for a person. */
function deleteByHand(world: MachineWorld): void {
  for (const machine of world.vpsie.machines) {
    const claim = machine.state === 'running' ? world.ownerOf(machine) : undefined
    const waits = claim?.metadata.deletionTimestamp !== undefined && !claim.spec.vpsieNodeIdentifier
    const runs = world.cluster.podsOf(machine).filter(isMovable)
    if (waits && runs.length === 0) vanish(machine, world)
  }
}
