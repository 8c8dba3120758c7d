import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import { counted } from '../../common/counted.ts'
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
  readonly priority: (pod: Pod) => number
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

const none: readonly Reason[] = []

/** Why this pod keeps its node from being removed; empty if it may be moved. */
export function blockersOf(pod: Pod, rules: BlockerRules): readonly Reason[] {
  if (isOrdinary(pod, rules)) return none
  const notes = pod.metadata.annotations
  const word = notes?.[safeToEvict]
  const forbidden = notes?.[doNotDisrupt] === undefined ? undefined : doNotDisruptReason(pod, rules.now)
  const found: Reason[] = []
  const say = (code: KeepReason, message: string) => found.push({ code, message, object: keyOf(pod) })
  if (forbidden) say('PodDoNotDisrupt', forbidden)
  if (word === 'true') return found
  if (word !== undefined) say('PodSafeToEvictFalse', `has annotation ${safeToEvict}=${word}`)
  ownerBlocker(pod, rules, say)
  const { blockOn = [] } = rules.drain
  if (blockOn.includes('KubeSystem') && isUnbudgetedSystem(pod, rules.budgets)) {
    say('PodKubeSystem', 'is in kube-system and under no PodDisruptionBudget')
  }
  const local = pod.spec.volumes && blockOn.includes('LocalStorage') ? localStorage(pod) : ''
  if (local !== '') say('PodLocalStorage', `keeps data on the node in volume ${local}`)
  return found.length === 0 ? none : found
}

/** True for most pods: nothing about them could be a blocker, which takes less to see than to ask one by one. */
function isOrdinary({ metadata, spec }: Pod, { drain }: BlockerRules): boolean {
  const { annotations, namespace, ownerReferences } = metadata
  const owner = ownerReferences?.[0]
  return (
    annotations === undefined &&
    spec.volumes === undefined &&
    namespace !== 'kube-system' &&
    (drain.minReplicas ?? 0) === 0 &&
    owner?.controller === true &&
    replicating.includes(owner.kind)
  )
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

function ownerBlocker(
  pod: Pod,
  { drain, workloads }: BlockerRules,
  say: (code: KeepReason, message: string) => void,
): void {
  const { blockOn = [], minReplicas = 0 } = drain
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true)
  if (!owner) {
    if (blockOn.includes('Unreplicated'))
      say('PodNotReplicated', 'has no controller that would make it again')
    return
  }
  if (!replicating.includes(owner.kind)) {
    if (blockOn.includes('CustomController')) say('PodCustomController', `is controlled by a ${owner.kind}`)
    return
  }
  const replicas = workloads.get(owner.uid)?.spec.replicas
  if (replicas === undefined || replicas >= minReplicas) return
  say(
    'PodMinReplicas',
    `${owner.kind} ${owner.name} has ${counted(replicas, 'replica')}, fewer than minReplicas ${minReplicas}`,
  )
}

function isUnbudgetedSystem(pod: Pod, budgets: Budgets): boolean {
  return pod.metadata.namespace === 'kube-system' && budgets.of(pod).length === 0
}

/** Volumes whose data would be lost, but for those that the pod declares expendable. */
function localStorage({ metadata, spec }: Pod): string {
  const declared = new Set((metadata.annotations?.[localVolumes] ?? '').split(',').map((name) => name.trim()))
  return (spec.volumes ?? [])
    .filter(
      ({ hostPath, emptyDir }) =>
        hostPath !== undefined || (emptyDir !== undefined && emptyDir.medium !== 'Memory'),
    )
    .map(({ name }) => name)
    .filter((name) => !declared.has(name))
    .join(', ')
}
