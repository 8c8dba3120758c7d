import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import { formatDuration, parseDuration } from '../../common/duration.ts'
import { InputError } from '../../common/errors.ts'
import type { Pod, PriorityClass } from '../../common/kube/objects.ts'
import type { Cluster } from './cluster.ts'
import { isDaemon } from './daemonsets.ts'
import type { PodVerdict, Reason } from './plan.ts'
import type { ReasonCode } from './reasons.ts'

/** What is done about a pod before anybody looks for a place. */
export type Triage = Settled | { kind: 'pending'; waitedMs: number }

export interface Settled {
  readonly kind: 'settled'
  readonly verdict: PodVerdict
  readonly reasons: Reason[]
}

const bound: Triage = {
  kind: 'settled',
  verdict: 'bound',
  reasons: [{ code: 'Bound', message: 'has its node' }],
}

/** Sorts pods into those that have a node, those left alone with the reason why, and those that need a place. */
export function createTriage({ state, options, now, problems }: Cluster): (pod: Pod) => Triage {
  const priority = createPriority(state.priorityClasses)
  const grace = state.autoscalerConfig?.spec.globalSettings?.unschedulablePodGracePeriodSeconds
  const delayMs = grace === undefined ? options['new-pod-scale-up-delay'] : grace * 1000
  const cutoff = options['expendable-pods-priority-cutoff']

  return (pod) => {
    if (isFinished(pod)) return ignored('NotUnschedulable', 'has finished')
    const problem = problems.pods.get(pod)
    if (problem !== undefined)
      return settled(pod.spec.nodeName ? 'bound' : 'ignored', 'InvalidObject', problem)
    if (pod.spec.nodeName) return bound
    const gates = pod.spec.schedulingGates ?? []
    if (gates.length > 0)
      return ignored('SchedulingGates', `waits for gate ${gates.map(({ name }) => name).join(', ')}`)
    if (pod.metadata.deletionTimestamp !== undefined) return ignored('NotUnschedulable', 'is being deleted')
    if (isDaemon(pod)) return ignored('NotUnschedulable', "is a DaemonSet's: its node is given")
    const since = unschedulableSince(pod, now)
    if (since === undefined)
      return ignored('NotUnschedulable', 'the scheduler has not found it unschedulable')
    if ((pod.spec.resourceClaims ?? []).length > 0)
      return ignored('DynamicResources', 'its resource claims are not decided here')
    const nominated = pod.status?.nominatedNodeName
    if (nominated) return ignored('NotUnschedulable', `the scheduler makes room for it on node ${nominated}`)
    const value = priority(pod)
    if (value < cutoff) return ignored('Expendable', `its priority ${value} is below the cutoff ${cutoff}`)
    const waitedMs = now - since
    const wanted = Math.max(delayMs, ownDelay(pod))
    if (waitedMs >= wanted) return { kind: 'pending', waitedMs }
    return ignored(
      'TooYoung',
      `waits since ${toTimestamp(since)}, nodes are added after ${formatDuration(wanted)}`,
    )
  }
}

function ignored(code: ReasonCode, message: string): Triage {
  return settled('ignored', code, message)
}

function settled(verdict: PodVerdict, code: ReasonCode, message: string): Triage {
  return { kind: 'settled', verdict, reasons: [{ code, message }] }
}

/** True for a pod that runs no more: it takes no room and needs none. */
export function isFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}

function unschedulableSince({ metadata, status }: Pod, now: number): number | undefined {
  const condition = status?.conditions?.find(({ type }) => type === 'PodScheduled')
  if (condition?.status !== 'False' || condition.reason !== 'Unschedulable') return undefined
  return fromTimestamp(condition.lastTransitionTime) ?? fromTimestamp(metadata.creationTimestamp) ?? now
}

/** Cluster Autoscaler's annotation may lengthen the delay; a text that is no duration counts as none. */
function ownDelay({ metadata }: Pod): number {
  const text = metadata.annotations?.['cluster-autoscaler.kubernetes.io/pod-scale-up-delay']
  if (text === undefined) return 0
  try {
    return parseDuration(text, 'annotation')
  } catch (error) {
    if (error instanceof InputError) return 0
    throw error
  }
}

/** The priority of a pod: its own number, else that of its class, else the cluster's default. */
export function createPriority(classes: readonly PriorityClass[]): (pod: Pod) => number {
  const values = new Map(classes.map(({ metadata, value }) => [metadata.name, value]))
  const fallback = classes.find(({ globalDefault }) => globalDefault)?.value ?? 0
  return ({ spec }) => spec.priority ?? values.get(spec.priorityClassName ?? '') ?? fallback
}
