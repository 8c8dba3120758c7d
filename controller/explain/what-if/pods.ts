import { toTimestamp } from '../../../common/clock.ts'
import type { Container, Pod, PodSpec } from '../../../common/kube/objects.ts'
import { keyOf } from '../../../common/kube/resources.ts'
import { parseMillicores } from '../../../common/quantity.ts'
import type { ReasonCode } from '../../decide/reasons.ts'
import type { Offering } from '../../decide/state.ts'
import type { Context, Remedies, Remedy } from './remedy.ts'
import { atTime, withGroup, withPod } from './situation.ts'

/** What a pod could ask for otherwise, by the reason why it gets no place. */
export const podRemedies: Partial<Record<ReasonCode, Remedies>> = {
  NodeResourcesFit: largerSizes,
  TaintToleration: ofSpec('it tolerated every taint', ({ tolerations = [], ...spec }) => ({
    ...spec,
    tolerations: [...tolerations, { operator: 'Exists' }],
  })),
  NodeAffinity: ofSpec(
    'it had no node selector and no required node affinity',
    ({ nodeSelector: _, affinity: { nodeAffinity: __, ...affinity } = {}, ...spec }) => ({
      ...spec,
      affinity,
    }),
  ),
  NodeName: ofSpec('it named no node', ({ nodeName: _, ...spec }) => spec),
  InterPodAffinity: ofSpec(
    'it had no required pod affinity or anti-affinity',
    ({ affinity: { podAffinity: _, podAntiAffinity: __, ...affinity } = {}, ...spec }) => ({
      ...spec,
      affinity,
    }),
  ),
  PodTopologySpread: ofSpec(
    'its spread constraints were ScheduleAnyway',
    ({ topologySpreadConstraints: _, ...spec }) => spec,
  ),
  NodePorts: ofSpec('it asked for no host port', (spec) => ({
    ...spec,
    containers: spec.containers.map(({ ports: _, ...container }: Container) => container),
  })),
  ...Object.fromEntries(
    (['VolumeZone', 'VolumeBinding', 'NodeVolumeLimits', 'VolumeRestrictions'] as const).map((code) => [
      code,
      ofSpec('it had no volumes of a claim', (spec) => ({
        ...spec,
        volumes: (spec.volumes ?? []).filter(({ persistentVolumeClaim }) => !persistentVolumeClaim),
      })),
    ]),
  ),
  SchedulingGates: ofPod('its scheduling gates were gone, and kube-scheduler found no place for it', (pod) =>
    unschedulable({ ...pod, spec: without(pod.spec, 'schedulingGates') }),
  ),
  DynamicResources: ofSpec('it asked for no resource claims', (spec) => without(spec, 'resourceClaims')),
  NotUnschedulable: ofPod('kube-scheduler found no place for it', (pod) =>
    pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' || pod.metadata.deletionTimestamp
      ? pod
      : unschedulable(pod),
  ),
  Expendable({ situation: { options }, subject }) {
    const priority = options['expendable-pods-priority-cutoff']
    return [
      {
        if: `its priority were ${priority} or higher`,
        edit: withPod(subject.name, (pod) => ({ ...pod, spec: { ...pod.spec, priority } })),
      },
    ]
  },
  TooYoung: later,
}

function ofSpec(words: string, change: (spec: PodSpec) => PodSpec): Remedies {
  return ofPod(words, (pod) => ({ ...pod, spec: change(pod.spec) }))
}

function ofPod(words: string, change: (pod: Pod) => Pod): Remedies {
  return ({ subject }) => [{ if: words, edit: withPod(subject.name, change) }]
}

function without<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = object
  return rest
}

function unschedulable(pod: Pod): Pod {
  const lastTransitionTime = pod.metadata.creationTimestamp ?? '1970-01-01T00:00:00Z'
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', lastTransitionTime }
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
  return { ...pod, status: { ...pod.status, conditions: [...others, condition] } }
}

const mostSizes = 3

/** Sizes on the price list that the group does not buy, the cheapest first: one that would hold the pod. */
function largerSizes({ situation: { state }, subject, reason }: Context): Remedy[] {
  const group = state.nodeGroups.find((one) => keyOf(one) === reason.object)
  const pod = state.pods.find((one) => keyOf(one) === subject.name)
  if (!group || !pod) return []
  const known = new Set(group.spec.offeringIDs)
  const millicores = pod.spec.containers.reduce(
    (sum, { resources }) => sum + cpuOf(resources?.requests?.cpu),
    0,
  )
  return state.offerings
    .filter(({ id, identifier, name }) => ![id, identifier, name].some((one) => one && known.has(one)))
    .filter(({ available, cpuMillicores }) => available && cpuMillicores >= millicores)
    .sort((a, b) => a.monthlyPrice - b.monthlyPrice || (a.name < b.name ? -1 : 1))
    .slice(0, mostSizes)
    .map(({ name }: Offering) => ({
      if: `offeringIDs of NodeGroup ${reason.object} had ${name} too, and allowMixedInstances were true`,
      edit: withGroup(reason.object ?? '', ({ offeringIDs = [] }) => ({
        offeringIDs: [...offeringIDs, name],
        allowMixedInstances: true,
      })),
    }))
}

function cpuOf(quantity: string | number | undefined): number {
  return quantity === undefined ? 0 : parseMillicores(quantity, 'cpu')
}

/** The first moment at which all delays are over, tried from the shortest on. */
async function later({ situation, subject, replan }: Context): Promise<Remedy[]> {
  const { state, options, now } = situation
  const pod = state.pods.find((one) => keyOf(one) === subject.name)
  const since = pod?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.lastTransitionTime
  const from = since === undefined ? now : Date.parse(since)
  const { unschedulablePodGracePeriodSeconds: grace } = state.autoscalerConfig?.spec.globalSettings ?? {}
  const delays = [
    options['new-pod-scale-up-delay'],
    (grace ?? 0) * 1000,
    ...state.nodeGroups.map(({ spec }) => (spec.scaleUpPolicy?.stabilizationWindowSeconds ?? 0) * 1000),
    3_600_000,
  ]
  const times = [...new Set(delays.map((delay) => from + delay))]
    .filter((time) => time > now)
    .sort((a, b) => a - b)
  for (const time of times) {
    const plan = await replan(atTime(time))
    const found = plan?.pods.find((decision) => decision.pod === subject.name)
    if (found?.reasons[0]?.code !== 'TooYoung')
      return found ? [{ if: `it were ${toTimestamp(time)}`, edit: atTime(time) }] : []
  }
  return []
}
