import { taints } from '../../../common/api/names.ts'
import { toTimestamp } from '../../../common/clock.ts'
import type { Node, Pod, PodDisruptionBudget } from '../../../common/kube/objects.ts'
import { resources } from '../../../common/kube/resources.ts'
import { node as buildNode, pod as buildPod, podDisruptionBudget, workload } from '../../fixtures/objects.ts'
import { matchesSelector } from '../../simulators/kubernetes/selectors.ts'
import type { Store } from '../../simulators/kubernetes/store.ts'
import type { SimulatedMachine } from '../../simulators/vpsie/model.ts'

/** How a machine comes up: as it should, never, under another name, or as two Nodes one after the other. */
export type Boot = 'normal' | 'never' | 'renamed' | 'twice'

interface Workload {
  name: string
  replicas: number
  /** Where its pods may run: the value of label `tier`. */
  tier: string
  minAvailable: number
}

const registersAfterMs = 20_000
const roomMillicores = 1500
const podMillicores = 600

/**
 * What happens in a cluster besides the autoscaler: kubelets, a scheduler, ReplicaSets, budgets and pod garbage
 * collection, as one step that brings everything up to date with the clock.
 */
export class SimulatedCluster {
  readonly #store: Store
  readonly #boots = new Map<string, Boot>()
  readonly #dead = new Set<string>()
  readonly #workloads = new Map<string, Workload>()
  /** How the next machine that starts comes up. */
  nextBoot: Boot = 'normal'
  #pods = 0

  constructor(store: Store) {
    this.#store = store
  }

  setWorkload(name: string, replicas: number, tier: string, minAvailable: number): void {
    if (!this.#workloads.has(name)) {
      this.#store.create(resources.replicaSets, workload('ReplicaSet', name, replicas))
      const selector = { matchLabels: { app: name } }
      this.#store.create(
        resources.podDisruptionBudgets,
        podDisruptionBudget(name, { spec: { selector, minAvailable, maxUnavailable: undefined as never } }),
      )
    }
    this.#workloads.set(name, { name, replicas, tier, minAvailable })
    this.#store.patch(resources.replicaSets, { namespace: 'default', name }, { spec: { replicas } })
  }

  liftBudgets(): void {
    for (const each of this.#workloads.values()) each.minAvailable = 0
  }

  /** The kubelet of a machine falls silent, and its pods with it. */
  kill(machine: SimulatedMachine): void {
    this.#dead.add(machine.identifier)
  }

  bootOf({ identifier }: SimulatedMachine): Boot | undefined {
    return this.#boots.get(identifier)
  }

  isDead({ identifier }: SimulatedMachine): boolean {
    return this.#dead.has(identifier)
  }

  /** Pods that a machine runs: those of a Node it has left do not run any more. */
  podsOf(machine: SimulatedMachine): Pod[] {
    const ready = this.#nodesOf(machine).filter(isReady)
    const names = new Set(ready.map(({ metadata }) => metadata.name))
    return this.#store
      .list(resources.pods)
      .filter(({ spec, status }) => names.has(spec.nodeName ?? '') && status?.phase === 'Running')
  }

  nodeOf(machine: SimulatedMachine): Node | undefined {
    return this.#nodesOf(machine).find(isReady)
  }

  /** Pods that fit nowhere now. */
  pending(): Pod[] {
    return this.#store.list(resources.pods).filter(({ spec }) => spec.nodeName === undefined)
  }

  step(machines: readonly SimulatedMachine[]): void {
    for (const machine of machines) this.#kubelet(machine)
    this.#endPods(machines)
    for (const each of this.#workloads.values()) this.#replicate(each)
    this.#schedule()
    for (const each of this.#workloads.values()) this.#budget(each)
  }

  #nodesOf({ identifier, address }: SimulatedMachine): Node[] {
    return this.#store
      .list(resources.nodes)
      .filter(
        ({ spec, status }) =>
          spec?.providerID?.endsWith(identifier) ||
          status?.addresses?.some((entry) => entry.address === address),
      )
  }

  #kubelet(machine: SimulatedMachine): void {
    const { identifier, state, runningAt = Number.POSITIVE_INFINITY } = machine
    if (!this.#boots.has(identifier)) {
      this.#boots.set(identifier, machine.role === 'slave' ? this.nextBoot : 'never')
      if (machine.role === 'slave') this.nextBoot = 'normal'
    }
    const boot = this.#boots.get(identifier)
    const alive = state === 'running' && !this.#dead.has(identifier) && boot !== 'never'
    const age = this.#store.clock.now() - runningAt
    const names = namesOf(machine, boot, age)
    for (const name of names) if (alive) this.#register(machine, name)
    for (const node of this.#nodesOf(machine)) {
      this.#setReady(node, alive && node.metadata.name === names.at(-1))
    }
  }

  #register({ identifier, address, hostname }: SimulatedMachine, name: string): void {
    if (this.#store.find(resources.nodes, { name })) return
    const isRenamed = name !== hostname.toLowerCase()
    const built = buildNode(name, {
      spec: isRenamed ? {} : { providerID: `vpsie://dc-1/cluster-1/${identifier}` },
      status: {
        ...buildNode().status,
        addresses: [{ type: 'InternalIP', address }],
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            lastTransitionTime: toTimestamp(this.#store.clock.now()),
          },
        ],
      },
    })
    const { labels: _, ...metadata } = built.metadata
    const { providerID: __, ...spec } = built.spec ?? {}
    this.#store.create(resources.nodes, { ...built, metadata, spec: isRenamed ? spec : (built.spec ?? {}) })
  }

  #setReady(node: Node, ready: boolean): void {
    const status = ready ? 'True' : 'Unknown'
    if (node.status?.conditions?.some((each) => each.type === 'Ready' && each.status === status)) return
    const lastTransitionTime = toTimestamp(this.#store.clock.now())
    const conditions = [{ type: 'Ready', status, lastTransitionTime }]
    this.#store.patch(resources.nodes, { name: node.metadata.name }, { status: { conditions } })
  }

  /** Kubelets end what has been given its grace; what has lost its Node is collected. */
  #endPods(machines: readonly SimulatedMachine[]): void {
    const now = this.#store.clock.now()
    const alive = new Set(
      machines
        .filter((machine) => machine.state === 'running' && !this.#dead.has(machine.identifier))
        .flatMap((machine) => this.#nodesOf(machine))
        .map(({ metadata }) => metadata.name),
    )
    for (const { metadata, spec } of this.#store.list(resources.pods)) {
      if (spec.nodeName === undefined) continue
      const isLost = !this.#store.find(resources.nodes, { name: spec.nodeName })
      const isOver = metadata.deletionTimestamp && Date.parse(metadata.deletionTimestamp) <= now
      if (isLost || (isOver && alive.has(spec.nodeName))) {
        this.#store.delete(resources.pods, metadata, { gracePeriodSeconds: 0 })
      }
    }
  }

  #replicate({ name, replicas, tier }: Workload): void {
    const pods = this.#podsOfWorkload(name).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    for (let i = pods.length; i < replicas; i++) {
      const built = buildPod(`${name}-${this.#pods++}`, {
        owner: { kind: 'ReplicaSet', name },
        requests: { cpu: `${podMillicores}m`, memory: '128Mi' },
        metadata: { labels: { app: name } },
        spec: { nodeSelector: { tier }, terminationGracePeriodSeconds: 10 },
      })
      this.#store.create(resources.pods, built)
    }
    for (const { metadata } of pods.slice(replicas)) this.#store.delete(resources.pods, metadata)
  }

  #podsOfWorkload(name: string): Pod[] {
    return this.#store.list(resources.pods).filter(({ metadata }) => metadata.labels?.app === name)
  }

  #schedule(): void {
    const used = new Map<string, number>()
    for (const { spec } of this.#store.list(resources.pods)) {
      const { nodeName } = spec
      if (nodeName) used.set(nodeName, (used.get(nodeName) ?? 0) + podMillicores)
    }
    const nodes = this.#store.list(resources.nodes).filter(isOpen)
    for (const { metadata, spec } of this.pending()) {
      const place = nodes.find(
        (node) =>
          matchesSelector({ matchLabels: spec.nodeSelector ?? {} }, node.metadata.labels) &&
          (used.get(node.metadata.name) ?? 0) + podMillicores <= roomMillicores,
      )
      if (!place) continue
      const nodeName = place.metadata.name
      used.set(nodeName, (used.get(nodeName) ?? 0) + podMillicores)
      const conditions = [
        { type: 'PodScheduled', status: 'True' },
        { type: 'Ready', status: 'True' },
      ]
      this.#store.patch(resources.pods, metadata, {
        spec: { nodeName },
        status: { phase: 'Running', startTime: toTimestamp(this.#store.clock.now()), conditions },
      })
    }
  }

  /** How many of a workload's pods serve. */
  healthy(name: string): number {
    const ready = new Set(
      this.#store
        .list(resources.nodes)
        .filter(isReady)
        .map(({ metadata }) => metadata.name),
    )
    return this.#podsOfWorkload(name).filter(
      ({ metadata, spec }) => metadata.deletionTimestamp === undefined && ready.has(spec.nodeName ?? ''),
    ).length
  }

  minAvailable(name: string): number {
    return this.#workloads.get(name)?.minAvailable ?? 0
  }

  #budget({ name, minAvailable }: Workload): void {
    const currentHealthy = this.healthy(name)
    const budget = this.#store.get<PodDisruptionBudget>(resources.podDisruptionBudgets, {
      namespace: 'default',
      name,
    })
    const { status: before } = budget
    const allowed = Math.max(0, currentHealthy - minAvailable)
    if (
      before?.currentHealthy === currentHealthy &&
      before.desiredHealthy === minAvailable &&
      before.disruptionsAllowed === allowed
    )
      return
    const status = {
      currentHealthy,
      desiredHealthy: minAvailable,
      disruptionsAllowed: allowed,
      observedGeneration: budget.metadata.generation ?? 1,
      disruptedPods: null,
    }
    this.#store.patch(resources.podDisruptionBudgets, budget.metadata, { status })
  }
}

function namesOf({ hostname }: SimulatedMachine, boot: Boot | undefined, age: number): string[] {
  const name = hostname.toLowerCase()
  if (age < registersAfterMs) return []
  if (boot === 'renamed') return [`renamed-${name}`]
  return boot === 'twice' && age > 3 * registersAfterMs ? [name, `again-${name}`] : [name]
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false
}

function isOpen(node: Node): boolean {
  return (
    isReady(node) &&
    !node.spec?.unschedulable &&
    !node.spec?.taints?.some(({ key }) => key === taints.disrupted)
  )
}
