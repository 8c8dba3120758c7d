import { money } from '../decide/money.ts'
import type { Plan } from '../decide/plan.ts'
import { sentence } from '../explain/text.ts'

/** A plan as tables: what would be done, and who is not simply served or kept. */
export function planText(plan: Plan): string {
  const { actions, pods, nodes, groups, newNodes, monthlyCost } = plan
  const waiting = pods.filter(({ verdict }) => verdict !== 'bound')
  return [
    `Plan at ${plan.at}: monthly cost ${money(monthlyCost.now)} now, ${money(monthlyCost.planned)} planned`,
    table(
      'ACTION',
      ['GROUP', 'SIZE', 'COUNT', 'COST', 'REASON', 'NODES'],
      actions.map((a) => [
        a.type,
        a.nodeGroup,
        a.offering ?? '',
        String(a.count ?? ''),
        money(a.monthlyCost),
        a.reason,
        (a.nodes ?? []).join(','),
      ]),
    ),
    table(
      'GROUP',
      ['NOW', 'TARGET', 'COST', 'REASON'],
      groups.map((g) => [
        g.nodeGroup,
        String(g.current),
        String(g.target),
        money(g.monthlyCost),
        sentence(g.reasons),
      ]),
    ),
    table(
      'NEW NODE',
      ['GROUP', 'SIZE', 'PLACE', 'PODS'],
      newNodes.map((n) => [n.name, n.nodeGroup, n.offering, n.datacenter ?? '', String(n.pods.length)]),
    ),
    table(
      'NODE',
      ['GROUP', 'VERDICT', 'REASON'],
      nodes.map((n) => [n.node, n.nodeGroup ?? '', n.verdict, sentence(n.reasons)]),
    ),
    table(
      'POD',
      ['VERDICT', 'NODE', 'REASON'],
      waiting.map((p) => [p.pod, p.verdict, p.node ?? '', sentence(p.reasons)]),
    ),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function table(first: string, rest: readonly string[], rows: readonly string[][]): string {
  if (rows.length === 0) return ''
  const all = [[first, ...rest], ...rows]
  const widths = [first, ...rest].map((_, column) =>
    all.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0),
  )
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
