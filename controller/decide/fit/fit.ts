import type { Reason } from '../plan.ts'
import type { FitReason } from '../reasons.ts'
import { timesIn } from '../resources.ts'
import type { Bin } from '../shape/bins.ts'
import type { PodClass } from '../shape/classes.ts'
import type { World } from '../world.ts'
import type { Filter } from './filter.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodeName } from './node-name.ts'
import { nodeResources } from './node-resources.ts'
import { nodePorts } from './ports.ts'
import { taintToleration } from './taints.ts'
import { topologySpread } from './topology-spread.ts'
import { nodeUnschedulable } from './unschedulable.ts'
import { nodeVolumeLimits, volumeBinding, volumeRestrictions, volumeZone } from './volumes.ts'

/** Filters that read nothing but what a node is. Their common answer is remembered per class and shape. */
export const nodeFilters: readonly Filter[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  volumeBinding,
  volumeZone,
]

/** Filters that depend on what is already there. */
export const roomFilters: readonly Filter[] = [
  nodeResources,
  nodePorts,
  volumeRestrictions,
  nodeVolumeLimits,
  topologySpread,
  interPodAffinity,
]

/** Why one more pod of the class cannot be put into the bin now; undefined if it can. */
export function refusal(pod: PodClass, bin: Bin, world: World): FitReason | undefined {
  if (!admits(pod, bin, world)) return nodeFilters.find((filter) => filter.refuses(pod, bin, world))?.code
  for (const filter of roomFilters) if (filter.refuses(pod, bin, world)) return filter.code
  return undefined
}

/** True if no filter about the node itself refuses. */
export function admits(pod: PodClass, bin: Bin, world: World): boolean {
  const known = pod.byName ? undefined : world.admitted(pod, bin.shape)
  if (known !== undefined) return known
  const admitted = !nodeFilters.some((filter) => filter.refuses(pod, bin, world))
  if (!pod.byName) world.noteAdmitted(pod, bin.shape, admitted)
  return admitted
}

/** True if the number of its pods that fit is a matter of resources alone, once the node admits them. */
export function isPlain(pod: PodClass, world: World): boolean {
  const { attachments, exclusive } = pod.volumes
  if (pod.ports.length + attachments.length + exclusive.length > 0) return false
  const { affinity, avoids, avoidedBy, spreads } = world.topologyOf(pod)
  return affinity.length + avoids.length + avoidedBy.length + spreads.length === 0
}

/** Puts up to `wanted` pods of the class into the bin, exactly as many as fit; returns how many. */
export function fill(pod: PodClass, bin: Bin, wanted: number, world: World): number {
  if (bin.closed || wanted <= 0 || !admits(pod, bin, world)) return 0
  if (isPlain(pod, world)) {
    const times = Math.min(wanted, timesIn(pod.requests, bin.free))
    if (times > 0) world.place(pod, bin, times)
    return times
  }
  let placed = 0
  while (placed < wanted && !roomFilters.some((filter) => filter.refuses(pod, bin, world))) {
    world.place(pod, bin, 1)
    placed++
  }
  return placed
}

/** Every filter's objection to the bin as it is, in the order of the plugins; empty if the pod fits. */
export function objections(pod: PodClass, bin: Bin, world: World, object?: string): Reason[] {
  return [...nodeFilters, ...roomFilters]
    .filter((filter) => filter.refuses(pod, bin, world))
    .map((filter) => ({
      code: filter.code,
      message: filter.explain(pod, bin, world),
      ...(object === undefined ? {} : { object }),
    }))
}
