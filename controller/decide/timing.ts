import { annotations } from '../../common/api/names.ts'
import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import { formatDuration } from '../../common/duration.ts'
import { withinHours } from './budgets.ts'
import type { Candidate } from './candidates.ts'
import type { Cluster } from './cluster.ts'
import type { Group } from './groups.ts'
import { oscillating } from './oscillation.ts'
import type { Reason } from './plan.ts'

/** Why an unneeded node does not go yet, and from when it may as far as that is known. */
export interface Wait {
  readonly reason: Reason
  readonly until: number | undefined
}

/** Every reason of time that holds a candidate; empty if its time has come. `growing` are groups that buy now. */
export function waitsOf(candidate: Candidate, cluster: Cluster, growing: ReadonlySet<string>): Wait[] {
  const { group, member, replacement } = candidate
  if (replacement) return []
  const held = oscillating(group, member.offering, cluster.now)
  const { now } = cluster
  const neededUntil = unneededFrom(candidate, cluster) + group.limits.windowMs
  const born = fromTimestamp(member.node?.metadata.creationTimestamp)
  const oldEnough = (born ?? Number.NEGATIVE_INFINITY) + (group.spec.disruption.minNodeAgeSeconds ?? 0) * 1000
  const hours = member.node?.metadata.annotations?.[annotations.scaleDownAllowedHours]
  return [
    ...(neededUntil > now
      ? [
          wait(
            'NotUnneededLongEnough',
            `unneeded since ${toTimestamp(neededUntil - group.limits.windowMs)}, it goes after ${formatDuration(group.limits.windowMs)}`,
            neededUntil,
          ),
        ]
      : []),
    ...(oldEnough > now
      ? [wait('TooYoung', `is younger than ${group.spec.disruption.minNodeAgeSeconds} s`, oldEnough)]
      : []),
    ...(held ? [{ reason: held, until: undefined }] : []),
    ...cooldowns(group, cluster, growing),
    ...(hours !== undefined && !withinHours(hours, now)
      ? [wait('OutsideWindow', `may be removed only at ${hours} UTC`)]
      : []),
  ]
}

/** Unneeded by requests since the note on the node says so, and by usage since its agent does. */
function unneededFrom({ since, bin }: Candidate, { state }: Cluster): number {
  return Math.max(since, state.usage?.get(bin.name)?.since ?? since)
}

/** After its own growth or removal a group pauses; after any at all, if the config says so. */
function cooldowns(
  group: Group,
  { state, options, groups, now }: Cluster,
  growing: ReadonlySet<string>,
): Wait[] {
  if (growing.has(group.key)) return [wait('Cooldown', 'the NodeGroup grows in this plan')]
  const { lastScaleUpTime, lastScaleDownTime } = group.object.status ?? {}
  const everywhere = state.autoscalerConfig?.spec.globalSettings?.scaleDownCooldownSeconds
  const afterDelete = Math.max(
    options['scale-down-delay-after-delete'],
    group.spec.scaleDownPolicy.cooldownSeconds * 1000,
  )
  const rows = [
    pause(lastScaleUpTime, options['scale-down-delay-after-add'], 'the NodeGroup grew', now),
    pause(lastScaleDownTime, afterDelete, 'the NodeGroup gave up a node', now),
  ]
  for (const { object } of everywhere === undefined ? [] : groups) {
    rows.push(
      pause(
        object.status?.lastScaleTime,
        (everywhere ?? 0) * 1000,
        `NodeGroup ${object.metadata.name} changed its size`,
        now,
      ),
    )
  }
  return rows.filter((row) => row !== undefined)
}

function pause(last: string | undefined, lengthMs: number, what: string, now: number): Wait | undefined {
  const at = fromTimestamp(last)
  if (at === undefined || at + lengthMs <= now) return undefined
  return wait(
    'Cooldown',
    `${what} at ${toTimestamp(at)}, the next removal comes ${formatDuration(lengthMs)} after`,
    at + lengthMs,
  )
}

function wait(code: Reason['code'], message: string, until?: number): Wait {
  return {
    reason: { code, message: until === undefined ? message : `${message}; until ${toTimestamp(until)}` },
    until,
  }
}
