import type { Pod } from '../../common/kube/objects.ts'
import type { Cluster } from './cluster.ts'
import type { Group } from './groups.ts'
import { createPriority } from './pods.ts'
import { at, cpu, memory } from './resources.ts'
import type { Bin } from './shape/bins.ts'
import type { PodClass } from './shape/classes.ts'

/** Pods that wait and are alike in all that matters: class, priority, and which groups' patience they have used up. */
export interface Lot {
  readonly pod: PodClass
  readonly priority: number
  /** All of them have waited at least so long. */
  readonly waitedMs: number
  /** The pods by name, placed from the front; empty for headroom. */
  readonly pods: readonly Pod[]
  readonly count: number
  /** Set for a group's headroom: nobody waits, but room is kept. */
  readonly headroomOf: Group | undefined
  /** How many have a place, and where. */
  placed: number
  readonly places: { bin: Bin; count: number }[]
}

/** Makes lots of the pods that wait and of the groups' headroom, most important first, then largest first. */
export function lotsOf(cluster: Cluster, pending: readonly { pod: Pod; waitedMs: number }[]): Lot[] {
  const spare = cluster.headroom.map(({ group, pod, count }) => ({
    ...emptyLot(cluster.world.classOf(pod)),
    count,
    headroomOf: group,
  }))
  return inOrder([...podLots(cluster, pending), ...spare], cluster)
}

/** Makes lots of pods that have to leave their nodes. */
export function lotsOfMoved(cluster: Cluster, pods: readonly Pod[]): Lot[] {
  return inOrder(
    podLots(
      cluster,
      pods.map((pod) => ({ pod, waitedMs: Number.POSITIVE_INFINITY })),
    ),
    cluster,
  )
}

function podLots(cluster: Cluster, pending: readonly { pod: Pod; waitedMs: number }[]): Lot[] {
  const priority = createPriority(cluster.state.priorityClasses)
  const windows = windowsOf(cluster.groups)
  const found = new Map<string, { first: Pod; waitedMs: number; pods: Pod[] }>()
  for (const { pod, waitedMs } of pending) {
    const patience = windows.findLast((window) => window <= waitedMs) ?? 0
    const key = `${cluster.world.classOf(pod).id} ${priority(pod)} ${patience}`
    const lot = found.get(key)
    if (lot) lot.pods.push(pod)
    else found.set(key, { first: pod, waitedMs: patience, pods: [pod] })
  }
  return [...found.values()].map(({ first, waitedMs, pods }) => ({
    ...emptyLot(cluster.world.classOf(first)),
    priority: priority(first),
    waitedMs,
    pods,
    count: pods.length,
  }))
}

function inOrder(lots: Lot[], cluster: Cluster): Lot[] {
  const size = sizes(cluster)
  return lots.sort(
    (a, b) =>
      b.priority - a.priority || size(b.pod) - size(a.pod) || a.pod.id - b.pod.id || a.waitedMs - b.waitedMs,
  )
}

function emptyLot(pod: PodClass): Lot {
  return {
    pod,
    priority: Number.NEGATIVE_INFINITY,
    waitedMs: Number.POSITIVE_INFINITY,
    pods: [],
    count: 0,
    headroomOf: undefined,
    placed: 0,
    places: [],
  }
}

/** The distinct patience of the groups, ascending. */
function windowsOf(groups: readonly Group[]): number[] {
  const all = groups.map(({ spec }) => spec.scaleUpPolicy.stabilizationWindowSeconds * 1000)
  return [...new Set([0, ...all])].sort((a, b) => a - b)
}

/** Size of a class: its larger share of the cores and of the memory that the largest size on offer has. */
function sizes({ state }: Cluster): (pod: PodClass) => number {
  const cores = Math.max(1, ...state.offerings.map(({ cpuMillicores }) => cpuMillicores))
  const bytes = Math.max(1, ...state.offerings.map(({ memoryBytes }) => memoryBytes))
  return ({ requests }) => Math.max(at(requests, cpu) / cores, at(requests, memory) / bytes)
}

/** Notes that the next `count` pods of the lot are in the bin. */
export function notePlaced(lot: Lot, bin: Bin, count: number): void {
  if (count === 0) return
  lot.placed += count
  const last = lot.places.at(-1)
  if (last?.bin === bin) last.count += count
  else lot.places.push({ bin, count })
}

/** How many of the lot have no place. */
export function waiting(lot: Lot): number {
  return lot.count - lot.placed
}
