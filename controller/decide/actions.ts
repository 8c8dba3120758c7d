import { counted } from '../../common/counted.ts'
import type { Cluster } from './cluster.ts'
import { compareText, priceOf } from './groups.ts'
import { cents, money } from './money.ts'
import type { Action, GroupDecision, NodeDecision, Reason } from './plan.ts'
import type { Purchase } from './scale-up.ts'
import type { Bin } from './shape/bins.ts'

const order: readonly Action['type'][] = ['raiseToMin', 'create', 'replace', 'remove']

/** What a plan does, one action for each group, kind, size, place and reason. `received` are the bins that take pods. */
export function actionsOf(
  cluster: Cluster,
  purchases: readonly Purchase[],
  nodes: readonly NodeDecision[],
  received: ReadonlyMap<Bin, string>,
): Action[] {
  const found = new Map<string, Action>()
  const given = new Set<string>()
  for (const { bin, candidate, isForMin, replaces } of purchases) {
    const { group, offering, datacenterID } = candidate.template
    const need = isForMin ? 'BelowMin' : received.has(bin) ? 'ScaleUp' : 'Headroom'
    const type = replaces ? 'replace' : isForMin ? 'raiseToMin' : 'create'
    const action = into(found, {
      type,
      nodeGroup: group.key,
      offering: offering.name,
      ...(datacenterID === undefined ? {} : { datacenter: datacenterID }),
      count: 0,
      ...(replaces ? { nodes: [...replaces] } : {}),
      monthlyCost: 0,
      reason: replaces ? 'Replaced' : need,
    })
    action.count = (action.count ?? 0) + 1
    // Where several sizes come for the same nodes, the first has what these save.
    const saved = (replaces ?? []).filter((node) => !given.has(node))
    for (const node of saved) given.add(node)
    action.monthlyCost = cents(
      action.monthlyCost +
        offering.monthlyPrice -
        saved.reduce((sum, node) => sum + priceOfNode(node, cluster), 0),
    )
  }
  for (const { node, nodeGroup, verdict, reasons } of nodes) {
    const owner = cluster.memberOf.get(node)
    if (verdict !== 'remove' || !owner || nodeGroup === undefined) continue
    const { offering } = owner.member
    const action = into(found, {
      type: 'remove',
      nodeGroup,
      ...(offering === '' ? {} : { offering }),
      count: 0,
      nodes: [],
      monthlyCost: 0,
      reason: reasons[0]?.code ?? 'Underused',
    })
    action.nodes?.push(node)
    action.count = (action.count ?? 0) + 1
    action.monthlyCost = cents(action.monthlyCost - priceOf(owner.member, cluster.state.offerings))
  }
  return [...found.values()].sort(
    (a, b) =>
      compareText(a.nodeGroup, b.nodeGroup) ||
      order.indexOf(a.type) - order.indexOf(b.type) ||
      compareText(textOf(a), textOf(b)),
  )
}

function into(found: Map<string, Action>, action: Action): Action {
  const key = `${action.nodeGroup} ${action.type} ${textOf(action)}`
  const known = found.get(key)
  if (known) return known
  found.set(key, action)
  return action
}

function textOf({ offering = '', datacenter = '', reason }: Action): string {
  return `${offering}/${datacenter}/${reason}`
}

/** What the plan makes of each group. */
export function groupDecisions(
  cluster: Cluster,
  actions: readonly Action[],
  shortfall: (group: Cluster['groups'][number]) => Reason[],
): GroupDecision[] {
  return cluster.groups.map((group) => {
    const own = actions.filter(({ nodeGroup }) => nodeGroup === group.key)
    const current = group.staying.length
    const added = own.reduce((sum, { type, count = 0 }) => sum + (type === 'remove' ? 0 : count), 0)
    const change = added - new Set(own.flatMap(({ nodes = [] }) => nodes)).size
    const now = group.staying.reduce((sum, member) => sum + priceOf(member, cluster.state.offerings), 0)
    return {
      nodeGroup: group.key,
      current,
      target: current + change,
      monthlyCost: cents(own.reduce((sum, { monthlyCost }) => sum + monthlyCost, now)),
      reasons: [
        ...own.map(reasonOf),
        ...shortfall(group),
        ...cluster.problems.daemonSets.map((message): Reason => ({ code: 'InvalidObject', message })),
        ...(own.length > 0 ? [] : [steady(current, group.spec.maxNodes)]),
      ],
    }
  })
}

function priceOfNode(node: string, { memberOf, state }: Cluster): number {
  const owner = memberOf.get(node)
  return owner ? priceOf(owner.member, state.offerings) : 0
}

function reasonOf({ type, count = 0, offering, nodes = [], reason, monthlyCost }: Action): Reason {
  const size = offering === undefined ? '' : ` of size ${offering}`
  const cost = `${monthlyCost < 0 ? 'saves' : 'costs'} ${money(Math.abs(monthlyCost))} a month`
  // True because actions take their reason from the table of codes.
  const code = reason as Reason['code']
  const instead = type === 'replace' ? ` instead of ${nodes.join(', ')}` : ''
  return { code, message: `${type === 'remove' ? 'gives up' : 'adds'} ${count}${size}${instead}, ${cost}` }
}

function steady(current: number, max: number): Reason {
  return current >= max
    ? { code: 'AtMax', message: `has ${counted(current, 'node')}, maxNodes is ${max}` }
    : { code: 'Steady', message: `has ${counted(current, 'node')} and needs no change` }
}
