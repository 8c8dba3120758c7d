import { counted } from '../../common/counted.ts'
import { budgetNow } from './budgets.ts'
import type { Cluster } from './cluster.ts'
import type { Group } from './groups.ts'
import { clusterHealth } from './health.ts'
import { isLeaving, isReady, type Member } from './members.ts'
import type { Reason } from './plan.ts'
import { isStarting } from './starting.ts'

/** How many nodes may leave. It counts those that the plan lets go, so that no plan as a whole goes past a limit. */
export interface Gate {
  /** Why this node of the group may not go now as far as limits say; empty if it may. */
  holds(group: Group, member: Member): Reason[]
  /** The same for a node that is replaced, whatever the minimum: as many come as are needed. */
  holdsReplaced(group: Group): Reason[]
  /** The same for a dead node, which may go below the minimum: it gives nothing any more. */
  holdsDead(group: Group): Reason[]
  note(group: Group, member: Member): void
}

export function createGate(cluster: Cluster): Gate {
  const { groups, options, state, now } = cluster
  const settings = state.autoscalerConfig?.spec.globalSettings
  const maxShrinking = settings?.maxConcurrentScaleDowns ?? options['max-concurrent-scale-downs']
  const unhealthy = clusterHealth(cluster)
  const going = new Map<string, number>()
  const shrinking = new Set(groups.filter(({ members }) => members.some(isLeaving)).map(({ key }) => key))
  const unavailable = new Map(groups.map((group) => [group.key, countUnavailable(group, cluster)]))

  function budget(group: Group, isDead: boolean): Reason[] {
    const now_ = budgetNow(group, now)
    if ('closed' in now_) return [{ code: 'OutsideWindow', message: now_.closed }]
    const { leaving, down } = unavailable.get(group.key) ?? { leaving: 0, down: 0 }
    // A dead node is unavailable as it is: letting it go makes nothing worse than the others already are.
    const used = leaving + (going.get(group.key) ?? 0) + (isDead ? 0 : down)
    if (used < now_.count) return []
    return [
      {
        code: 'BudgetExhausted',
        message: `${counted(used, 'node')} of the group ${used === 1 ? 'is' : 'are'} leaving or down, disruption.maxUnavailable allows ${now_.count}`,
      },
    ]
  }

  function atMin({ key, spec, staying }: Group): Reason[] {
    const left = staying.length - (going.get(key) ?? 0)
    const min = spec.minNodes ?? 0
    return left <= min
      ? [{ code: 'AtMin', message: `the group would keep ${counted(left, 'node')}, minNodes is ${min}` }]
      : []
  }

  /** Where a group spreads over datacenters, each keeps its own minimum. */
  function atRegionMin({ key, spec, staying }: Group, { datacenterID = '' }: Member): Reason[] {
    const { enabled, minNodesPerRegion = 1 } = spec.multiRegion ?? {}
    if (!enabled || spec.provisioner !== 'vm') return []
    const here = staying.filter((one) => (one.datacenterID ?? '') === datacenterID).length
    const left = here - (going.get(`${key} ${datacenterID}`) ?? 0)
    return left <= minNodesPerRegion
      ? [
          {
            code: 'AtMin',
            message: `datacenter ${datacenterID} would keep ${counted(left, 'node')}, minNodesPerRegion is ${minNodesPerRegion}`,
          },
        ]
      : []
  }

  function general(group: Group): Reason[] {
    const crowded = maxShrinking > 0 && !shrinking.has(group.key) && shrinking.size >= maxShrinking
    return [
      ...(cluster.steps.isPartial ? [cluster.steps.reason] : []),
      ...(unhealthy ? [unhealthy] : []),
      ...(crowded
        ? [
            {
              code: 'BudgetExhausted' as const,
              message: `${shrinking.size} groups are shrinking, at most ${maxShrinking} may`,
            },
          ]
        : []),
      ...(settings?.paused
        ? [{ code: 'Paused' as const, message: 'AutoscalerConfig has globalSettings.paused true' }]
        : []),
      ...(group.spec.dryRun
        ? [{ code: 'DryRun' as const, message: 'would be removed, but its NodeGroup has dryRun true' }]
        : []),
    ]
  }

  return {
    holds: (group, member) => [
      ...atMin(group),
      ...atRegionMin(group, member),
      ...budget(group, false),
      ...general(group),
    ],
    holdsReplaced: (group) => [...budget(group, false), ...general(group)],
    holdsDead: (group) => [...budget(group, true), ...general(group)],
    note({ key }, { datacenterID = '' }) {
      for (const place of [key, `${key} ${datacenterID}`]) going.set(place, (going.get(place) ?? 0) + 1)
      shrinking.add(key)
    },
  }
}

function countUnavailable(group: Group, cluster: Cluster): { leaving: number; down: number } {
  const down = group.staying.filter(
    (member) => member.node && !isReady(member.node) && !isStarting(member, cluster),
  )
  return { leaving: group.members.length - group.staying.length, down: down.length }
}
