import { annotations, labels } from '../../common/api/names.ts'
import { fromTimestamp } from '../../common/clock.ts'
import type { Node, Pod } from '../../common/kube/objects.ts'
import { type BlockerRules, blockersOf, staysBehind } from './blockers.ts'
import type { Cluster } from './cluster.ts'
import { isDaemon } from './daemonsets.ts'
import type { Group } from './groups.ts'
import type { Member } from './members.ts'
import type { Reason } from './plan.ts'
import type { Replacement } from './replacing.ts'
import { add, at, cpu, memory, zero } from './resources.ts'
import type { Bin } from './shape/bins.ts'
import { percentText, usageReasons } from './usage.ts'

/** A node that could go, were there a place for its pods. */
export interface Candidate {
  readonly group: Group
  readonly member: Member
  readonly bin: Bin
  /** Pods that leave with it, sorted. */
  readonly evicted: readonly Pod[]
  /** Those of them that need a place elsewhere. */
  readonly moved: readonly Pod[]
  readonly utilization: Utilization
  /** Since when it has been unneeded, in ms; now if nobody has noted it yet. */
  readonly since: number
  /** Set once machines have been ordered in its place. */
  readonly replacement: Replacement | undefined
}

/** Requests as shares of what the node has for pods other than DaemonSets', in percent. */
export interface Utilization {
  readonly cpuPercent: number
  readonly memoryPercent: number
}

/** A node as a candidate, with everything that keeps it whatever the rest of the cluster looks like. */
export interface Assessed {
  readonly candidate: Candidate
  readonly reasons: readonly Reason[]
}

/** Looks at one node by itself. One that is being replaced may be as full as it likes. */
export function assess(
  node: Node,
  group: Group,
  member: Member,
  bin: Bin,
  cluster: Cluster,
  rules: BlockerRules,
  replacement?: Replacement,
): Assessed {
  const pods = cluster.podsOn.get(node.metadata.name) ?? []
  const evicted = pods.filter((pod) => !staysBehind(pod))
  const cutoff = cluster.options['expendable-pods-priority-cutoff']
  const moved = evicted.filter((pod) => rules.priority(pod) >= cutoff)
  const utilization = utilizationOf(pods, bin, cluster)
  const reasons = [
    ...wishes(node, group, cluster),
    ...(replacement ? [] : aboveThreshold(utilization, group)),
    ...usageReasons(node.metadata.name, group, cluster, replacement !== undefined),
  ]
  for (const pod of moved) {
    const blockers = blockersOf(pod, rules)
    if (blockers.length > 0) reasons.push(...blockers)
  }
  const since = fromTimestamp(node.metadata.annotations?.[annotations.unneededSince]) ?? cluster.now
  return { candidate: { group, member, bin, evicted, moved, utilization, since, replacement }, reasons }
}

/** What people have said about the node or its group. */
function wishes({ metadata }: Node, group: Group, { options }: Cluster): Reason[] {
  const notes = metadata.annotations ?? {}
  const found: Reason[] = []
  const say = (code: Reason['code'], message: string) => found.push({ code, message })
  if (notes[annotations.protected] === 'true')
    say('Protected', `the node has annotation ${annotations.protected}=true`)
  if (notes['karpenter.sh/do-not-disrupt'] === 'true')
    say('Protected', 'the node has annotation karpenter.sh/do-not-disrupt=true')
  if (metadata.labels?.[labels.scaleDownDisabled] === 'true')
    say('ScaleDownDisabled', `the node has label ${labels.scaleDownDisabled}=true`)
  if (notes[annotations.scaleDown] === 'disabled')
    say('ScaleDownDisabled', `the node has annotation ${annotations.scaleDown}=disabled`)
  const ofCA = 'cluster-autoscaler.kubernetes.io/scale-down-disabled'
  if (notes[ofCA] === 'true') say('ScaleDownDisabled', `the node has annotation ${ofCA}=true`)
  if (!group.spec.scaleDownPolicy.enabled)
    say('ScaleDownDisabled', 'the NodeGroup has scaleDownPolicy.enabled false')
  if (!options['scale-down-enabled']) say('ScaleDownDisabled', '--scale-down-enabled is false')
  return found
}

/** max of CPU and memory requests of pods that are neither a DaemonSet's nor mirrors, by what these leave. */
function utilizationOf(pods: readonly Pod[], bin: Bin, { world }: Cluster): Utilization {
  const used = zero(world.space)
  const whole = bin.allocatable.slice()
  for (const pod of pods) {
    const { requests } = world.classOf(pod)
    const isMirror = pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined
    if (isDaemon(pod) || isMirror) add(whole, requests, -1)
    else add(used, requests)
  }
  const percent = (place: number) =>
    at(used, place) === 0 ? 0 : (at(used, place) * 100) / Math.max(0, at(whole, place))
  return { cpuPercent: percent(cpu), memoryPercent: percent(memory) }
}

function aboveThreshold({ cpuPercent, memoryPercent }: Utilization, { limits }: Group): Reason[] {
  const row = (name: string, value: number, limit: number): Reason[] =>
    value > limit
      ? [
          {
            code: 'AboveThreshold',
            message: `${name} requests are ${percentText(value)}, the threshold is ${percentText(limit)}`,
          },
        ]
      : []
  return [...row('CPU', cpuPercent, limits.cpuPercent), ...row('memory', memoryPercent, limits.memoryPercent)]
}

/** Order of removal: empty ones, then those with the least to move; among equals the dearest. */
export function byEase(priceOf: (candidate: Candidate) => number): (a: Candidate, b: Candidate) => number {
  const load = ({ utilization }: Candidate) => Math.max(utilization.cpuPercent, utilization.memoryPercent)
  return (a, b) =>
    Math.sign(a.evicted.length) - Math.sign(b.evicted.length) ||
    load(a) - load(b) ||
    a.evicted.length - b.evicted.length ||
    priceOf(b) - priceOf(a) ||
    (a.bin.name < b.bin.name ? -1 : 1)
}
