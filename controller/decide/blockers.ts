import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import { parseDuration } from '../../common/duration.ts'
import { InputError } from '../../common/errors.ts'
import type { Pod, Workload } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { isDaemon } from './daemonsets.ts'
import type { Group } from './groups.ts'
import type { Budgets } from './pdb.ts'
import type { Reason } from './plan.ts'
import type { KeepReason } from './reasons.ts'

export interface BlockerRules {
  readonly drain: Group['spec']['drain']
  readonly budgets: Budgets
  /** By uid. */
  readonly workloads: ReadonlyMap<string, Workload>
  readonly now: number
}

const caPrefix = 'cluster-autoscaler.kubernetes.io'
/** Cluster Autoscaler's word about one pod: `true` and it is moved whatever else holds, `false` and never. */
const safeToEvict = `${caPrefix}/safe-to-evict`
const localVolumes = `${caPrefix}/safe-to-evict-local-volumes`
const daemonMark = `${caPrefix}/daemonset-pod`
const doNotDisrupt = 'karpenter.sh/do-not-disrupt'

/** True for pods that leave with their node: DaemonSets', mirrors of static pods, and those that are stopping. */
export function staysBehind(pod: Pod): boolean {
  const notes = pod.metadata.annotations ?? {}
  if (notes['kubernetes.io/config.mirror'] !== undefined || pod.metadata.deletionTimestamp !== undefined)
    return true
  return isDaemon(pod) || notes[daemonMark] === 'true'
}

/** Why this pod keeps its node from being removed; empty if it may be moved. */
export function blockersOf(pod: Pod, rules: BlockerRules): Reason[] {
  const forbidden = doNotDisruptReason(pod, rules.now)
  const word = pod.metadata.annotations?.[safeToEvict]
  const codes: [KeepReason, string][] = []
  if (forbidden) codes.push(['PodDoNotDisrupt', forbidden])
  if (word === 'true') return codes.map(reasonFor(pod))
  if (word !== undefined) codes.push(['PodSafeToEvictFalse', `has annotation ${safeToEvict}=${word}`])
  codes.push(...ownerBlockers(pod, rules))
  const { blockOn = [] } = rules.drain
  if (blockOn.includes('KubeSystem') && isUnbudgetedSystem(pod, rules.budgets)) {
    codes.push(['PodKubeSystem', 'is in kube-system and under no PodDisruptionBudget'])
  }
  const local = blockOn.includes('LocalStorage') ? localStorage(pod) : []
  if (local.length > 0)
    codes.push(['PodLocalStorage', `keeps data on the node in volume ${local.join(', ')}`])
  return codes.map(reasonFor(pod))
}

function reasonFor(pod: Pod): (code: [KeepReason, string]) => Reason {
  return ([code, message]) => ({ code, message, object: keyOf(pod) })
}

/** Karpenter's annotation: `true`, or a duration from the start of the pod. Another text counts as absent. */
function doNotDisruptReason({ metadata, status }: Pod, now: number): string | undefined {
  const text = metadata.annotations?.[doNotDisrupt]
  if (text === undefined || text === 'false') return undefined
  if (text === 'true') return `has annotation ${doNotDisrupt}=true`
  try {
    const since = fromTimestamp(status?.startTime) ?? fromTimestamp(metadata.creationTimestamp) ?? now
    const until = since + parseDuration(text, doNotDisrupt)
    return until > now ? `has annotation ${doNotDisrupt}=${text}, until ${toTimestamp(until)}` : undefined
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}

const replicating = ['ReplicationController', 'ReplicaSet', 'StatefulSet', 'Job']

function ownerBlockers(pod: Pod, { drain, workloads }: BlockerRules): [KeepReason, string][] {
  const { blockOn = [], minReplicas = 0 } = drain
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true)
  if (!owner)
    return blockOn.includes('Unreplicated')
      ? [['PodNotReplicated', 'has no controller that would make it again']]
      : []
  if (!replicating.includes(owner.kind)) {
    return blockOn.includes('CustomController')
      ? [['PodCustomController', `is controlled by a ${owner.kind}`]]
      : []
  }
  const replicas = workloads.get(owner.uid)?.spec.replicas
  if (replicas === undefined || replicas >= minReplicas) return []
  return [
    [
      'PodMinReplicas',
      `${owner.kind} ${owner.name} has ${replicas} replicas, fewer than minReplicas ${minReplicas}`,
    ],
  ]
}

function isUnbudgetedSystem(pod: Pod, budgets: Budgets): boolean {
  return pod.metadata.namespace === 'kube-system' && budgets.of(pod).length === 0
}

/** Volumes whose data would be lost, but for those that the pod declares expendable. */
function localStorage({ metadata, spec }: Pod): string[] {
  const declared = new Set((metadata.annotations?.[localVolumes] ?? '').split(',').map((name) => name.trim()))
  return (spec.volumes ?? [])
    .filter(
      ({ hostPath, emptyDir }) =>
        hostPath !== undefined || (emptyDir !== undefined && emptyDir.medium !== 'Memory'),
    )
    .map(({ name }) => name)
    .filter((name) => !declared.has(name))
}
