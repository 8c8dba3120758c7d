import { InputError } from '../../common/errors.ts'
import type { Plan, Reason } from '../decide/plan.ts'

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

function money(amount: number): string {
  return amount.toFixed(2)
}

export function sentence(reasons: readonly Reason[]): string {
  return reasons
    .map(({ code, message, object }) => `${code}${object === undefined ? '' : ` (${object})`}: ${message}`)
    .join('; ')
}

/** All that the plan says of `node/NAME`, `pod/NAMESPACE/NAME` or `group/NAME`. Throws `InputError` if nothing. */
export function explain(plan: Plan, object: string): string {
  const [kind = '', ...rest] = object.split('/')
  const name = rest.join('/')
  if (kind === 'node') {
    const found = plan.nodes.find(({ node }) => node === name)
    const timers = [
      found?.since && `unneeded since ${found.since}`,
      found?.until && `waits until ${found.until}`,
    ].filter(Boolean)
    if (found)
      return lines(`node ${name}: ${found.verdict}`, found.reasons, [
        ...found.moves.map(({ pod, to }) => `${pod} moves to ${to}`),
        ...timers,
      ])
  } else if (kind === 'pod') {
    const found = plan.pods.find(({ pod }) => pod === name)
    if (found)
      return lines(`pod ${name}: ${found.verdict}${found.node ? ` on ${found.node}` : ''}`, found.reasons, [])
  } else {
    const found = plan.groups.find(({ nodeGroup }) => nodeGroup === name || nodeGroup.endsWith(`/${name}`))
    if (found)
      return lines(
        `group ${found.nodeGroup}: ${found.current} nodes, ${found.target} wanted, ${money(found.monthlyCost)} a month`,
        found.reasons,
        [],
      )
  }
  throw new InputError('--explain', `the plan does not know ${kind} "${name}"`)
}

function lines(head: string, reasons: readonly Reason[], further: readonly (string | undefined)[]): string {
  return [
    head,
    ...reasons.map((reason) => `  ${sentence([reason])}`),
    ...further.map((line) => `  ${line}`),
  ].join('\n')
}
