import { annotations, labels } from '../../../common/api/names.ts'
import { fromTimestamp, toTimestamp } from '../../../common/clock.ts'
import type { Pod } from '../../../common/kube/objects.ts'
import { keyOf } from '../../../common/kube/resources.ts'
import { historyMs } from '../../decide/oscillation.ts'
import type { ReasonCode } from '../../decide/reasons.ts'
import type { NodeUsage } from '../../decide/state.ts'
import { type Context, lessHeadroom, type Remedies, type Remedy } from './remedy.ts'
import {
  annotated,
  atTime,
  both,
  type Edit,
  labelled,
  withGroup,
  withNode,
  withOptions,
  withoutPod,
  withPod,
  withSettings,
  withState,
} from './situation.ts'

/** What could be otherwise about a node that stays, its group, or a pod that keeps it; and about one that goes. */
export const nodeRemedies: Partial<Record<ReasonCode, Remedies>> = {
  Protected: ofMarks('nothing protected it', {
    [annotations.protected]: undefined,
    'karpenter.sh/do-not-disrupt': undefined,
  }),
  ScaleDownDisabled: scaleDownEnabled,
  AboveThreshold: raisedThresholds,
  UsageHigh: raisedThresholds,
  UsageUnknown: ofUsage('its agent had reported for the whole window, and little use'),
  MemoryPressure: ofUsage('nothing on it had waited for memory'),
  NotUnneededLongEnough: inTime,
  TooYoung: inTime,
  Cooldown: inTime,
  OutsideWindow: windowsOpen,
  AtMin({ verdict: { nodeGroup = '' }, situation: { state } }) {
    const min = state.nodeGroups.find((one) => keyOf(one) === nodeGroup)?.spec.minNodes ?? 0
    return min === 0
      ? []
      : [
          {
            if: `minNodes of NodeGroup ${nodeGroup} were ${min - 1} rather than ${min}`,
            edit: withGroup(nodeGroup, () => ({ minNodes: min - 1 })),
          },
        ]
  },
  PodNotReplicated: evictable,
  PodSafeToEvictFalse: evictable,
  PodDoNotDisrupt: evictable,
  PodLocalStorage: evictable,
  PodKubeSystem: evictable,
  PodCustomController: evictable,
  PodMinReplicas: evictable,
  PodDisruptionBudget: ({ reason }) => [
    {
      if: `PodDisruptionBudget ${reason.object} allowed the evictions`,
      edit: withState('podDisruptionBudgets', (budgets) =>
        budgets.map((budget) =>
          keyOf(budget) === reason.object
            ? { ...budget, status: { ...budget.status, disruptionsAllowed: 1_000_000 } }
            : budget,
        ),
      ),
    },
  ],
  // What has no place is a pod, or else the room that the group keeps.
  NoPlaceToMove: (context) =>
    context.reason.object === undefined
      ? lessHeadroom(context.verdict.nodeGroup ?? '')
      : withoutTheOne(context),
  UpcomingPods: withoutTheOne,
  BudgetExhausted: ({ verdict: { nodeGroup = '' } }) => [
    {
      if: `disruption.maxUnavailable of NodeGroup ${nodeGroup} were 100%`,
      edit: withGroup(nodeGroup, ({ disruption }) => ({
        disruption: { ...disruption, maxUnavailable: '100%' },
      })),
    },
    {
      if: 'maxConcurrentScaleDowns had no limit',
      edit: withSettings({ maxConcurrentScaleDowns: 1_000_000 }),
    },
  ],
  ClusterUnhealthy: () => [
    {
      if: 'all nodes were ready',
      edit: withNode(undefined, (node) => ({
        ...node,
        status: {
          ...node.status,
          conditions: (node.status?.conditions ?? []).map((one) =>
            one.type === 'Ready' ? { ...one, status: 'True' } : one,
          ),
        },
      })),
    },
  ],
  AwaitingApproval({ reason, verdict: { nodeGroup = '' } }) {
    const [, name] = new RegExp(`${annotations.approve}=(\\w+)`).exec(reason.message) ?? []
    const edit = withState('nodeGroups', (groups) =>
      groups.map((one) => (keyOf(one) === nodeGroup ? annotated(one, { [annotations.approve]: name }) : one)),
    )
    return [{ if: `NodeGroup ${nodeGroup} had annotation ${annotations.approve}=${name}`, edit }]
  },
  Oscillation({ situation: { now } }) {
    return [{ if: `it were ${toTimestamp(now + historyMs)}`, edit: atTime(now + historyMs) }]
  },
  Empty: kept,
  Underused: kept,
  Replaced: kept,
}

function ofMarks(words: string, change: Record<string, undefined>): Remedies {
  return ({ subject }) => [{ if: words, edit: withNode(subject.name, (node) => annotated(node, change)) }]
}

function kept({ subject }: Context): Remedy[] {
  const mark = { [annotations.protected]: 'true' }
  return [
    {
      if: `it had annotation ${annotations.protected}=true`,
      edit: withNode(subject.name, (node) => annotated(node, mark)),
    },
  ]
}

function scaleDownEnabled({
  subject,
  verdict: { nodeGroup = '' },
  situation: { options, state },
}: Context): Remedy[] {
  const policy = state.nodeGroups.find((one) => keyOf(one) === nodeGroup)?.spec.scaleDownPolicy
  const marks = {
    [annotations.scaleDown]: undefined,
    'cluster-autoscaler.kubernetes.io/scale-down-disabled': undefined,
  }
  const unmarked = withNode(subject.name, (node) =>
    annotated(labelled(node, { [labels.scaleDownDisabled]: undefined }), marks),
  )
  return [
    { if: 'no label or annotation of the node switched its removal off', edit: unmarked },
    ...(policy?.enabled === false
      ? [
          {
            if: `scaleDownPolicy.enabled of NodeGroup ${nodeGroup} were true`,
            edit: withGroup(nodeGroup, ({ scaleDownPolicy }) => ({
              scaleDownPolicy: { ...scaleDownPolicy, enabled: true },
            })),
          },
        ]
      : []),
    ...(options['scale-down-enabled']
      ? []
      : [{ if: '--scale-down-enabled were true', edit: withOptions({ 'scale-down-enabled': true }) }]),
  ]
}

/** The thresholds at which its requests and its use would be low enough, read from the sentences of its reasons. */
function raisedThresholds({ verdict: { nodeGroup = '', reasons } }: Context): Remedy[] {
  const needed = (name: string) =>
    Math.max(
      0,
      ...reasons
        .filter(({ code }) => code === 'AboveThreshold' || code === 'UsageHigh')
        .flatMap(({ message }) => new RegExp(`^${name} .*? (?:is|are) ([\\d.]+) %`).exec(message)?.[1] ?? [])
        .map((figure) => Math.ceil(Number(figure) + 0.1)),
    )
  const [cpuThreshold, memoryThreshold] = [needed('CPU'), needed('memory')]
  if (Math.max(cpuThreshold, memoryThreshold) > 100 || cpuThreshold + memoryThreshold === 0) return []
  const change = {
    ...(cpuThreshold > 0 && { cpuThreshold }),
    ...(memoryThreshold > 0 && { memoryThreshold }),
  }
  const words = Object.entries(change).map(([name, value]) => `${name} ${value}`)
  return [
    {
      if: `scaleDownPolicy of NodeGroup ${nodeGroup} had ${words.join(' and ')}`,
      edit: withGroup(nodeGroup, ({ scaleDownPolicy }) => ({
        scaleDownPolicy: { ...scaleDownPolicy, ...change },
      })),
    },
  ]
}

function ofUsage(words: string): Remedies {
  return ({ subject, situation }) => {
    const quiet: NodeUsage = {
      node: subject.name,
      cpuPercent: 0,
      memoryPercent: 0,
      ...situation.state.usage?.get(subject.name),
      memoryFull: 0,
      coverage: 1,
      since: 0,
    }
    const edit = withState('usage', (usage) => new Map([...(usage ?? []), [subject.name, quiet]]))
    return [{ if: words, edit }]
  }
}

/** The pod that is in the way may be moved, as Cluster Autoscaler's annotation says it. */
function evictable({ reason, situation: { state } }: Context): Remedy[] {
  const { object = '' } = reason
  const safe = { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' }
  const pod = state.pods.find((one) => keyOf(one) === object)
  if (!pod) return []
  if (reason.code === 'PodDoNotDisrupt') {
    const mark = 'karpenter.sh/do-not-disrupt'
    const free = (one: Pod) => annotated(one, { [mark]: undefined })
    return [{ if: `pod ${object} had no annotation ${mark}`, edit: withPod(object, free) }]
  }
  const words = `pod ${object} had annotation cluster-autoscaler.kubernetes.io/safe-to-evict=true`
  return [{ if: words, edit: withPod(object, (one) => annotated(one, safe)) }]
}

function withoutTheOne({ reason }: Context): Remedy[] {
  const { object } = reason
  return object?.includes('/') ? [{ if: `pod ${object} were not there`, edit: withoutPod(object) }] : []
}

function inTime({ subject, reason, verdict: { since, until }, situation: { now } }: Context): Remedy[] {
  const time = fromTimestamp(until)
  if (time === undefined || time <= now) return []
  // The controller notes on a node since when it has been unneeded; without the note the time would begin anew.
  const noted = withNode(subject.name, (node) =>
    annotated(node, { [annotations.unneededSince]: since ?? toTimestamp(now) }),
  )
  const later = reason.code === 'NotUnneededLongEnough' ? both(noted, atTime(time)) : atTime(time)
  return [{ if: `it were ${toTimestamp(time)} and nothing else had changed`, edit: later }]
}

function windowsOpen(context: Context): Remedy[] {
  const { subject, verdict } = context
  const { nodeGroup = '' } = verdict
  const always: Edit = both(
    withGroup(nodeGroup, ({ disruption }) => ({ disruption: { ...disruption, windows: [] } })),
    withNode(subject.name, (node) => annotated(node, { [annotations.scaleDownAllowedHours]: undefined })),
  )
  return [...inTime(context), { if: 'removals were allowed at any time', edit: always }]
}
