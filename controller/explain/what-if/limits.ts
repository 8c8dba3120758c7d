import { fromTimestamp, toTimestamp } from '../../../common/clock.ts'
import { keyOf } from '../../../common/kube/resources.ts'
import { money } from '../../decide/money.ts'
import type { ReasonCode } from '../../decide/reasons.ts'
import { type Context, lessHeadroom, type Remedies, type Remedy } from './remedy.ts'
import { atTime, type Edit, withGroup, withOptions, withSettings } from './situation.ts'

/** What limits of a group, of the cluster and of time could be otherwise, for pods that wait and groups below their minimum. */
export const limitRemedies: Partial<Record<ReasonCode, Remedies>> = {
  GroupAtMax: raisedMax,
  AtMax: raisedMax,
  ClusterAtMax: raisedClusterMax,
  CostLimit: raisedCost,
  BackedOff: afterBackoff,
  Cooldown: afterCooldown,
  BudgetExhausted: () => [
    { if: 'maxConcurrentScaleUps had no limit', edit: withSettings({ maxConcurrentScaleUps: 1_000_000 }) },
  ],
  DryRun: ({ reason, verdict }) => {
    const key = reason.object ?? verdict.nodeGroup
    return key === undefined
      ? []
      : [{ if: `dryRun of NodeGroup ${key} were false`, edit: withGroup(key, () => ({ dryRun: false })) }]
  },
  Headroom: ({ subject }) => lessHeadroom(subject.name),
  Paused: () => [
    { if: 'globalSettings.paused of the AutoscalerConfig were false', edit: withSettings({ paused: false }) },
  ],
  PlanIncomplete: ({ situation: { options } }) => {
    const steps = options['max-decision-steps'] * 10
    return [{ if: `--max-decision-steps were ${steps}`, edit: withOptions({ 'max-decision-steps': steps }) }]
  },
}

const unlimited = 10_000

async function raisedMax({ situation: { state }, subject, reason, replan }: Context): Promise<Remedy[]> {
  const key = reason.object ?? subject.name
  const group = state.nodeGroups.find((one) => keyOf(one) === key)
  if (!group || group.metadata.deletionTimestamp) return []
  if (group.spec.scaleUpPolicy?.enabled === false) {
    const edit = withGroup(key, ({ scaleUpPolicy }) => ({
      scaleUpPolicy: { ...scaleUpPolicy, enabled: true },
    }))
    return [{ if: `scaleUpPolicy.enabled of NodeGroup ${key} were true`, edit }]
  }
  const plan = await replan(withGroup(key, () => ({ maxNodes: unlimited })))
  const target = plan?.groups.find(({ nodeGroup }) => nodeGroup === key)?.target ?? 0
  const wanted = Math.max(target, group.spec.maxNodes + 1)
  return [
    {
      if: `maxNodes of NodeGroup ${key} were ${wanted} rather than ${group.spec.maxNodes}`,
      edit: withGroup(key, () => ({ maxNodes: wanted })),
    },
  ]
}

function raisedClusterMax({ situation: { state, options } }: Context): Remedy[] {
  const { maxClusterWorkers } = state.autoscalerConfig?.spec.globalSettings ?? {}
  const limit = maxClusterWorkers ?? options['max-cluster-workers']
  const name = maxClusterWorkers === undefined ? '--max-cluster-workers' : 'globalSettings.maxClusterWorkers'
  const more = limit + 1
  const raised: Edit =
    maxClusterWorkers === undefined
      ? withOptions({ 'max-cluster-workers': more })
      : withSettings({ maxClusterWorkers: more })
  const found = limit > 0 ? [{ if: `${name} were ${more} rather than ${limit}`, edit: raised }] : []
  const orders = unlimited
  return [
    ...found,
    {
      if: `one decision might order more than ${options['max-nodes-per-scaleup']} machines`,
      edit: withOptions({ 'max-nodes-per-scaleup': orders }),
    },
  ]
}

async function raisedCost({ situation: { state, options }, reason, replan }: Context): Promise<Remedy[]> {
  const key = reason.object ?? ''
  const group = state.nodeGroups.find((one) => keyOf(one) === key)
  const found: Remedy[] = []
  if (group?.spec.maxMonthlyCost !== undefined) {
    const plan = await replan(withGroup(key, () => ({ maxMonthlyCost: Number.MAX_SAFE_INTEGER })))
    const cost = plan?.groups.find(({ nodeGroup }) => nodeGroup === key)?.monthlyCost ?? 0
    if (cost > group.spec.maxMonthlyCost)
      found.push({
        if: `maxMonthlyCost of NodeGroup ${key} were ${money(cost)} rather than ${money(group.spec.maxMonthlyCost)}`,
        edit: withGroup(key, () => ({ maxMonthlyCost: cost })),
      })
  }
  const limit = options['max-monthly-cost']
  if (limit > 0) {
    const plan = await replan(withOptions({ 'max-monthly-cost': 0 }))
    const cost = Math.ceil(plan?.monthlyCost.planned ?? 0)
    if (cost > limit)
      found.push({
        if: `--max-monthly-cost were ${money(cost)} rather than ${money(limit)}`,
        edit: withOptions({ 'max-monthly-cost': cost }),
      })
  }
  return found
}

function afterBackoff({ situation: { state, now } }: Context): Remedy[] {
  const until = Math.min(...state.backoffs.map((backoff) => backoff.until).filter((time) => time > now))
  return Number.isFinite(until)
    ? [{ if: `it were ${toTimestamp(until)}, when the size may be ordered again`, edit: atTime(until) }]
    : []
}

function afterCooldown({ situation: { state, options, now }, reason }: Context): Remedy[] {
  const group = state.nodeGroups.find((one) => keyOf(one) === reason.object)
  const seconds = state.autoscalerConfig?.spec.globalSettings?.scaleUpCooldownSeconds
  const pauseMs = seconds === undefined ? options['scale-up-cooldown'] : seconds * 1000
  const until = (fromTimestamp(group?.status?.lastScaleUpTime) ?? 0) + pauseMs
  return until > now ? [{ if: `it were ${toTimestamp(until)}`, edit: atTime(until) }] : []
}
