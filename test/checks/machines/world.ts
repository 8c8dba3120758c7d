import type { VPSieNode } from '../../../common/api/vpsienode.ts'
import { resources } from '../../../common/kube/resources.ts'
import type { ControllerDeps } from '../../../controller/deps.ts'
import { type Chance, chanceOf } from '../../fixtures/chance.ts'
import { virtualClock, virtualStart } from '../../fixtures/clock.ts'
import { storeOfOurs } from '../../fixtures/kube-client.ts'
import { autoscalerConfig, namespace, nodeGroup } from '../../fixtures/objects.ts'
import { createVPSie } from '../../simulators/vpsie/memory.ts'
import type { SimulatedMachine } from '../../simulators/vpsie/model.ts'
import { SimulatedCluster } from './cluster.ts'
import { isOwner, Oracle } from './oracle.ts'
import { type Replica, startReplica, type Weather } from './replica.ts'
import type { Script } from './script.ts'

/** Times are shorter than in a cluster, in proportion; list delays stay below the settle time. */
const flags = [
  '--usage=off',
  '--scan-interval=30s',
  '--node-sync-interval=15s',
  '--batch-idle-duration=4s',
  '--batch-max-duration=8s',
  '--add-settle-time=6m',
  '--launch-timeout=4m',
  '--register-timeout=4m',
  '--join-timeout=5m',
  '--max-node-provision-time=6m',
  '--failed-vpsienode-ttl=3m',
  '--orphan-check-interval=1m',
  '--scale-down-unneeded-time=1m',
  '--scale-down-unready-time=3m',
  '--scale-down-delay-after-add=30s',
]
const stepMs = 5_000
const maxNodes = 4

export interface WorldOptions {
  sabotage?: ((deps: ControllerDeps) => ControllerDeps) | undefined
  /** Flags of the controller that go before those of the check. */
  flags?: readonly string[]
  trace?: ((line: string) => void) | undefined
}

/** A cluster, a cloud and the controllers between them. */
export type MachineWorld = ReturnType<typeof createMachineWorld>

export function createMachineWorld(script: Script, options: WorldOptions) {
  const clock = virtualClock(virtualStart, { turns: 1 })
  const chance: Chance = chanceOf(script.chance)
  let objects = 0
  const store = storeOfOurs({ clock, uid: () => `uid-${++objects}` })
  const { dialect, identityInReply, provisioner } = script
  const isVM = provisioner === 'vm'
  const vpsie = createVPSie({ clock, dialect, identityInReply, bootMs: 40_000, deleteMs: 10_000 })
  const cluster = new SimulatedCluster(store)
  const weather: Weather = { apiPercent: 0, watchesBroken: false, skewMs: 0 }
  const oracle = new Oracle({ store, vpsie, cluster, clock, isVM }, limits)
  const replicas: Replica[] = []
  let handMade = 0

  store.create(resources.namespaces, namespace('default'))
  store.create(resources.autoscalerConfigs, autoscalerConfig())
  for (const [name, tier] of [
    ['workers', 'a'],
    ['others', 'b'],
  ] as const) {
    store.create(
      resources.nodeGroups,
      nodeGroup(name, {
        spec: {
          maxNodes,
          labels: { tier },
          ...(isVM ? asVM : {}),
          maxMonthlyCost: limits.maxMonthlyCost,
          scaleDownPolicy: {
            enabled: true,
            stabilizationWindowSeconds: 60,
            cooldownSeconds: 30,
            cpuThreshold: 60,
            memoryThreshold: 60,
          },
          disruption: { maxUnavailable: '50%', minNodeAgeSeconds: 30 },
          drain: { timeoutSeconds: 90, maxPodGracePeriodSeconds: 60, blockOn: [] },
        },
      }),
    )
  }
  vpsie.cloud.addPool('cluster-1', 'by-hand', 11, clock.now())
  makeByHand()

  function makeByHand(): void {
    const machine = isVM ? orderVPSByHand() : vpsie.orderMachine({ poolID: 701 })
    oracle.handMade.add(machine.identifier)
    handMade++
  }

  function orderVPSByHand(): SimulatedMachine {
    const place = { projectID: 'project-1', datacenterID: 'dc-1', userData: '' }
    const sizeIdentifier = vpsie.cloud.size(11).identifier
    return vpsie.cloud.orderVM({ ...place, sizeIdentifier, hostname: `by-hand-${handMade}` }, clock.now())
  }

  function startLeader(): Replica {
    const replica = startReplica({
      store,
      vpsie,
      clock,
      chance,
      weather,
      flags: [...flags, `--vpsie-dialect=${dialect}`, ...(options.flags ?? [])],
      ...(options.sabotage ? { sabotage: options.sabotage } : {}),
      ...(options.trace ? { trace: tellAt(options.trace, replicas.length) } : {}),
      onCall: (call) => oracle.called(call),
    })
    replicas.push(replica)
    return replica
  }

  function tellAt(trace: (line: string) => void, n: number): (line: string) => void {
    return (line) => trace(`${((clock.now() - virtualStart) / 1000).toFixed(1).padStart(8)} #${n} ${line}`)
  }

  async function advance(ms: number, step = stepMs): Promise<void> {
    for (let left = ms; left > 0; left -= step) {
      await clock.advance(Math.min(left, step))
      // A machine that has just been deleted is judged by what its Node ran till then.
      oracle.look()
      cluster.step(vpsie.machines)
    }
  }

  return {
    clock,
    isVM,
    chance,
    store,
    vpsie,
    cluster,
    weather,
    oracle,
    replicas,
    startLeader,
    advance,
    /** The replica that leads; a new one if there is none. */
    leader: () => replicas.findLast(({ isDead }) => !isDead) ?? startLeader(),
    claims: (): VPSieNode[] => store.list(resources.vpsieNodes),
    makeByHand,
    /** True if a machine made by hand now cannot be mistaken for one on order: nothing is, and nothing is about to be. */
    isCalm: () =>
      !vpsie.cloud.outOfStock.has(11) &&
      vpsie.cloud.machinesOf('cluster-1').length <= vpsie.cloud.quota &&
      cluster.pending().length === 0 &&
      store
        .list(resources.vpsieNodes)
        .every((claim) => claim.status?.phase === 'Ready' && claim.metadata.deletionTimestamp === undefined),
    /** Claims that are on their way somewhere, or lack a machine. */
    restless: () =>
      store
        .list(resources.vpsieNodes)
        .filter(
          (claim) =>
            claim.metadata.deletionTimestamp !== undefined ||
            claim.status?.phase !== 'Ready' ||
            !vpsie.machines.some((machine) => machine.state !== 'deleted' && isOwner(claim, machine)),
        ),
    end() {
      for (const replica of replicas) replica.die()
      vpsie.end()
    },
    ownerOf: (machine: SimulatedMachine) =>
      store.list(resources.vpsieNodes).find((claim) => isOwner(claim, machine)),
  }
}

const asVM = {
  provisioner: 'vm',
  osImageID: 'ubuntu-24.04',
  cloudInit: { template: '#cloud-config\nhostname: {{ hostname }}\njoin: {{ bootstrapToken }}\n' },
} as const

/** What the groups may have: the check's own figures, so that the oracle asks nobody. */
export const limits = { maxNodes, maxMonthlyCost: 60 }
