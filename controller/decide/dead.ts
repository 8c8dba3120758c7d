import { toTimestamp } from '../../common/clock.ts'
import { formatDuration } from '../../common/duration.ts'
import type { Cluster } from './cluster.ts'
import type { Gate } from './gate.ts'
import type { Group } from './groups.ts'
import { isLeaving, isReady, type Member, notReadySince } from './members.ts'
import type { NodeDecision, Reason } from './plan.ts'
import { isStarting, provisionTimeMs } from './starting.ts'

/**
 * Verdicts on machines that serve nobody: Nodes that have not been ready for too long, and claims that never became
 * a Node. They are replaced within budgets, even below the group's minimum, which the same plan makes up for.
 */
export function decideDead(cluster: Cluster, gate: Gate): NodeDecision[] {
  return cluster.groups
    .filter(({ isDeleted }) => !isDeleted)
    .flatMap((group) => group.staying.flatMap((member) => decideOne(member, group, gate, cluster) ?? []))
}

function decideOne(member: Member, group: Group, gate: Gate, cluster: Cluster): NodeDecision | undefined {
  const { node } = member
  if (isStarting(member, cluster) || (node && isReady(node)) || isLeaving(member)) return undefined
  const base = { node: member.name, nodeGroup: group.key, evict: [], moves: [] }
  const since = node && (notReadySince(node) ?? cluster.now)
  const deadFrom = since === undefined ? cluster.now : since + cluster.options['scale-down-unready-time']
  if (deadFrom > cluster.now) {
    const message = `has not been ready since ${toTimestamp(since ?? 0)}, counts as dead from ${toTimestamp(deadFrom)}`
    return {
      ...base,
      verdict: 'keep',
      reasons: [{ code: 'NotUnneededLongEnough', message }],
      until: toTimestamp(deadFrom),
    }
  }
  const held = gate.holdsDead(group)
  if (held.length > 0) return { ...base, verdict: 'keep', reasons: held }
  gate.note(group, member)
  return {
    ...base,
    verdict: 'remove',
    reasons: [since === undefined ? neverRegistered(member, cluster) : dead(since)],
  }
}

function dead(since: number): Reason {
  return { code: 'Dead', message: `has not been ready since ${toTimestamp(since)}` }
}

function neverRegistered({ claim }: Member, cluster: Cluster): Reason {
  const failure = claim?.status?.phase === 'Failed' ? `: ${claim.status.lastError ?? 'failed'}` : ''
  return {
    code: 'NeverRegistered',
    message: `no Node has come of it within ${formatDuration(provisionTimeMs(cluster))}${failure}`,
  }
}
