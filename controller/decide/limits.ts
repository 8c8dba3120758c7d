import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import type { Cluster } from './cluster.ts'
import { type Group, priceOf } from './groups.ts'
import type { Reason } from './plan.ts'
import { isStarting } from './starting.ts'
import type { Template } from './templates.ts'

/** What may still be bought. It counts what has been taken, so that no plan as a whole goes past a limit. */
export interface Limits {
  /** How many machines of the template may be bought now, and if none, why. */
  room(template: Template): { count: number; reason?: Reason }
  take(template: Template, count: number): void
  /** Machines the group is below its minimum, those taken counted. */
  missing(group: Group): number
  /** The size that the plan has begun to buy for the group; one without mixed sizes stays with it. */
  sizeOf(group: Group): string | undefined
  /** Why the group buys nothing for pods whatever the size; undefined if it may. */
  closed(group: Group): Reason | undefined
}

/** Starts from the machines that are there; `gone` are those that the same plan gives up for dead. */
export function createLimits(cluster: Cluster, gone: ReadonlySet<string>): Limits {
  const { groups, options, state } = cluster
  const settings = state.autoscalerConfig?.spec.globalSettings
  const maxWorkers = settings?.maxClusterWorkers ?? options['max-cluster-workers']
  const maxGrowing = settings?.maxConcurrentScaleUps ?? options['max-concurrent-scale-ups']
  const taken = new Map<string, { count: number; cost: number }>()
  const sizes = new Map<string, string>()
  const growing = new Set(
    groups
      .filter(({ staying }) => staying.some((member) => isStarting(member, cluster)))
      .map(({ key }) => key),
  )
  const costOf = new Map(
    groups.map((group) => [
      group.key,
      group.members.reduce((sum, member) => sum + priceOf(member, state.offerings), 0),
    ]),
  )
  const workers = groups.reduce((sum, { members }) => sum + members.length, 0)
  const takenBy = (group: Group) => taken.get(group.key) ?? { count: 0, cost: 0 }
  const takenInAll = () =>
    [...taken.values()].reduce(
      (sum, { count, cost }) => ({ count: sum.count + count, cost: sum.cost + cost }),
      { count: 0, cost: 0 },
    )

  function byCount({ group }: Template): { count: number; reason: Reason }[] {
    const { maxNodes } = group.spec
    const all = takenInAll()
    const rows = [
      reasoned(
        maxNodes - group.members.length - takenBy(group).count,
        'GroupAtMax',
        `has ${group.members.length + takenBy(group).count} of maxNodes ${maxNodes}`,
        group,
      ),
      reasoned(
        options['max-nodes-per-scaleup'] - all.count,
        'ClusterAtMax',
        `one decision orders at most ${options['max-nodes-per-scaleup']} machines`,
        group,
      ),
    ]
    if (maxWorkers > 0)
      rows.push(
        reasoned(
          maxWorkers - workers - all.count,
          'ClusterAtMax',
          `all groups have ${workers + all.count} of maxClusterWorkers ${maxWorkers}`,
          group,
        ),
      )
    return rows
  }

  function byCost({ group, offering }: Template): { count: number; reason: Reason }[] {
    const price = offering.monthlyPrice
    const rows = (limit: number, spent: number, name: string) =>
      price > 0
        ? [
            reasoned(
              Math.floor((limit - spent) / price + 1e-9),
              'CostLimit',
              `${offering.name} costs ${money(price)} a month, ${money(spent)} of ${name} ${money(limit)} are spent`,
              group,
            ),
          ]
        : []
    const { maxMonthlyCost } = group.spec
    const spentByAll = [...costOf.values()].reduce((sum, cost) => sum + cost, 0) + takenInAll().cost
    return [
      ...(maxMonthlyCost === undefined
        ? []
        : rows(maxMonthlyCost, (costOf.get(group.key) ?? 0) + takenBy(group).cost, 'maxMonthlyCost')),
      ...(options['max-monthly-cost'] > 0
        ? rows(options['max-monthly-cost'], spentByAll, '--max-monthly-cost')
        : []),
    ]
  }

  return {
    room(template) {
      const held = unavailable(template, cluster)
      if (held) return { count: 0, reason: held }
      const tightest = [...byCount(template), ...byCost(template)].reduce((a, b) =>
        b.count < a.count ? b : a,
      )
      return tightest.count > 0 ? { count: tightest.count } : { count: 0, reason: tightest.reason }
    },
    take({ group, offering }, count) {
      const before = takenBy(group)
      taken.set(group.key, { count: before.count + count, cost: before.cost + count * offering.monthlyPrice })
      growing.add(group.key)
      sizes.set(group.key, offering.name)
    },
    sizeOf: ({ key }) => sizes.get(key),
    missing(group) {
      if (group.isDeleted) return 0
      const alive = group.staying.filter(({ name }) => !gone.has(name)).length
      return Math.max(0, (group.spec.minNodes ?? 0) - alive - takenBy(group).count)
    },
    closed(group) {
      if (group.isDeleted) return about(group, 'GroupAtMax', 'is being deleted')
      if (!group.spec.scaleUpPolicy.enabled)
        return about(group, 'GroupAtMax', 'has scaleUpPolicy.enabled false')
      if (maxGrowing > 0 && !growing.has(group.key) && growing.size >= maxGrowing) {
        return about(
          group,
          'BudgetExhausted',
          `${growing.size} groups are growing, at most ${maxGrowing} may`,
        )
      }
      return cooling(group, cluster)
    },
  }
}

function reasoned(
  count: number,
  code: Reason['code'],
  message: string,
  group: Group,
): { count: number; reason: Reason } {
  return { count: Math.max(0, count), reason: about(group, code, message) }
}

function about(group: Group, code: Reason['code'], message: string): Reason {
  return { code, message, object: group.key }
}

function cooling(group: Group, { state, options, now }: Cluster): Reason | undefined {
  const seconds = state.autoscalerConfig?.spec.globalSettings?.scaleUpCooldownSeconds
  const pauseMs = seconds === undefined ? options['scale-up-cooldown'] : seconds * 1000
  const until = (fromTimestamp(group.object.status?.lastScaleUpTime) ?? Number.NEGATIVE_INFINITY) + pauseMs
  return until > now
    ? about(group, 'Cooldown', `grew lately, grows again from ${toTimestamp(until)}`)
    : undefined
}

function unavailable(
  { group, offering, datacenterID }: Template,
  { state, now }: Cluster,
): Reason | undefined {
  if (!offering.available) return about(group, 'BackedOff', `${offering.name} is not available`)
  const backoff = state.backoffs.find(
    (one) =>
      one.offering === offering.name &&
      one.until > now &&
      (datacenterID === undefined || one.datacenterID === datacenterID),
  )
  return (
    backoff &&
    about(
      group,
      'BackedOff',
      `VPSie refused ${offering.name}: ${backoff.reason}; again from ${toTimestamp(backoff.until)}`,
    )
  )
}

/** Money to the cent. */
export function money(amount: number): string {
  return (Math.round(amount * 100) / 100).toFixed(2)
}
