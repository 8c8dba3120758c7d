import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import type { Cluster } from './cluster.ts'
import { type Group, priceOf } from './groups.ts'
import { money } from './money.ts'
import type { Reason } from './plan.ts'
import { isStarting } from './starting.ts'
import type { Template } from './templates.ts'

/** What may still be bought. It counts what has been taken, so that no plan as a whole goes past a limit. */
export interface Limits {
  /** How many machines of the template may be bought now. */
  room(template: Template): number
  /** Why none may; undefined if one may. */
  full(template: Template): Reason | undefined
  take(template: Template, count: number): void
  /** Machines the group is below its minimum, those taken counted. */
  missing(group: Group): number
  /** The size that the plan has begun to buy for the group; one without mixed sizes stays with it. */
  sizeOf(group: Group): string | undefined
  /** Why the group buys nothing for pods whatever the size; undefined if it may. */
  closed(group: Group): Reason | undefined
}

/** One limit on a purchase: how many it leaves, and how it says that none is left. */
interface Limit {
  left(template: Template): number
  code: Reason['code']
  message(template: Template): string
}

interface Spent {
  count: number
  cost: number
}

/** Starts from the machines that are there; `gone` are those that the same plan gives up for dead. */
export function createLimits(cluster: Cluster, gone: ReadonlySet<string>): Limits {
  const { groups, options, state } = cluster
  const maxGrowing =
    state.autoscalerConfig?.spec.globalSettings?.maxConcurrentScaleUps ?? options['max-concurrent-scale-ups']
  const spent = new Map(groups.map((group) => [group.key, spentBy(group, state)]))
  const inAll = { count: 0, cost: 0 }
  for (const { count, cost } of spent.values()) {
    inAll.count += count
    inAll.cost += cost
  }
  const limits = limitsOf(cluster, spent, inAll)
  const alive = new Map(
    groups.map(({ key, staying }) => [key, staying.filter(({ name }) => !gone.has(name)).length]),
  )
  const sizes = new Map<string, string>()
  const held = new Map<Template, Reason | undefined>()
  const growing = new Set(
    groups
      .filter(({ staying }) => staying.some((member) => isStarting(member, cluster)))
      .map(({ key }) => key),
  )

  function heldBack(template: Template): Reason | undefined {
    if (!held.has(template)) held.set(template, unavailable(template, cluster))
    return held.get(template)
  }

  function room(template: Template): number {
    if (heldBack(template)) return 0
    let least = Number.POSITIVE_INFINITY
    for (const limit of limits) least = Math.min(least, limit.left(template))
    return Math.max(0, least)
  }

  return {
    room,
    full(template) {
      const reason = heldBack(template)
      if (reason || room(template) > 0) return reason
      const [tightest] = limits
        .map((limit) => ({ limit, left: limit.left(template) }))
        .sort((a, b) => a.left - b.left)
      return tightest && about(template.group, tightest.limit.code, tightest.limit.message(template))
    },
    take({ group, offering }, count) {
      for (const sum of [spent.get(group.key), inAll]) {
        if (!sum) continue
        sum.count += count
        sum.cost += count * offering.monthlyPrice
      }
      alive.set(group.key, (alive.get(group.key) ?? 0) + count)
      growing.add(group.key)
      sizes.set(group.key, offering.name)
    },
    sizeOf: ({ key }) => sizes.get(key),
    missing: ({ isDeleted, key, spec }) =>
      isDeleted ? 0 : Math.max(0, (spec.minNodes ?? 0) - (alive.get(key) ?? 0)),
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

/** Machines and monthly cost of a group, of those that leave too: they are paid until they are gone. */
function spentBy({ members }: Group, { offerings }: Cluster['state']): Spent {
  const cost = members.reduce((sum, member) => sum + priceOf(member, offerings), 0)
  return { count: members.length, cost }
}

function limitsOf(
  { options, state }: Cluster,
  spent: ReadonlyMap<string, Spent>,
  inAll: Readonly<Spent>,
): Limit[] {
  const before = inAll.count
  const none: Spent = { count: 0, cost: 0 }
  const of = ({ group }: Template) => spent.get(group.key) ?? none
  const maxWorkers =
    state.autoscalerConfig?.spec.globalSettings?.maxClusterWorkers ?? options['max-cluster-workers']
  const maxOrders = options['max-nodes-per-scaleup']
  const maxCost = options['max-monthly-cost']
  const byCost = (
    limitOf: (template: Template) => number | undefined,
    costOf: (template: Template) => number,
    name: string,
  ): Limit => ({
    code: 'CostLimit',
    left(template) {
      const { monthlyPrice } = template.offering
      const limit = limitOf(template)
      if (limit === undefined || monthlyPrice <= 0) return Number.POSITIVE_INFINITY
      return Math.floor((limit - costOf(template)) / monthlyPrice + 1e-9)
    },
    message: (template) =>
      `${template.offering.name} costs ${money(template.offering.monthlyPrice)} a month, ` +
      `${money(costOf(template))} of ${name} ${money(limitOf(template) ?? 0)} are spent`,
  })
  return [
    {
      code: 'GroupAtMax',
      left: (template) => template.group.spec.maxNodes - of(template).count,
      message: (template) => `has ${of(template).count} of maxNodes ${template.group.spec.maxNodes}`,
    },
    {
      code: 'ClusterAtMax',
      left: () => maxOrders - (inAll.count - before),
      message: () => `one decision orders at most ${maxOrders} machines`,
    },
    {
      code: 'ClusterAtMax',
      left: () => (maxWorkers > 0 ? maxWorkers - inAll.count : Number.POSITIVE_INFINITY),
      message: () => `all groups have ${inAll.count} of maxClusterWorkers ${maxWorkers}`,
    },
    byCost(
      ({ group }) => group.spec.maxMonthlyCost,
      (template) => of(template).cost,
      'maxMonthlyCost',
    ),
    byCost(
      () => (maxCost > 0 ? maxCost : undefined),
      () => inAll.cost,
      '--max-monthly-cost',
    ),
  ]
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
