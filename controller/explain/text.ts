import { counted } from '../../common/counted.ts'
import { money } from '../decide/money.ts'
import type { Reason } from '../decide/plan.ts'
import type { Alternative, Explanation, WhatIf } from './explanation.ts'

const mostMoves = 20

/** An explanation as lines to read. */
export function explanationText(explanation: Explanation): string {
  const { reasons, moves = [], since, until, wouldChange, history } = explanation
  return [
    headline(explanation),
    ...reasons.map((reason) => `  ${sentence([reason])}`),
    ...moves.slice(0, mostMoves).map(({ pod, to }) => `  ${pod} moves to ${to}`),
    ...(moves.length > mostMoves ? [`  and ${moves.length - mostMoves} more pods move`] : []),
    ...(since === undefined ? [] : [`  since ${since}`]),
    ...(until === undefined ? [] : [`  waits until ${until}`]),
    ...part('what would change it', wouldChange.map(whatIfText)),
    ...part('considered', explanation.considered.map(alternativeText)),
    ...part(
      'before',
      history
        .slice(1)
        .map(({ at, verdict, reasons: then }) => `${at} ${verdictText(verdict)}: ${sentence(then)}`),
    ),
  ].join('\n')
}

/** The first line: what it is, what was decided, where and for how much. */
export function headline({
  kind,
  name,
  verdict,
  node,
  nodeGroup,
  offering,
  monthlyCost,
}: Explanation): string {
  if (kind === 'group') return `group ${name}: ${verdictText(verdict)}, ${money(monthlyCost ?? 0)} a month`
  const place = kind === 'pod' && node !== undefined ? ` on ${node}` : ''
  const size = [offering && `size ${offering}`, nodeGroup && `NodeGroup ${nodeGroup}`].filter(Boolean)
  return `${kind} ${name}: ${verdict}${place}${size.length > 0 ? ` (${size.join(', ')})` : ''}`
}

/** A group's verdict is how many nodes it has and is to have; others are a word. */
export function verdictText(verdict: string): string {
  return verdict.replace(
    /^(\d+)\/(\d+)$/,
    (_, current, target) => `${counted(Number(current), 'node')}, ${target} wanted`,
  )
}

/** `CODE (object): message`, one after the other. */
export function sentence(reasons: readonly Reason[]): string {
  return reasons
    .map(({ code, message, object }) => `${code}${object === undefined ? '' : ` (${object})`}: ${message}`)
    .join('; ')
}

/** One change, with what would have come out. */
export function whatIfText({ if: words, helps, verdict, reasons, monthlyCost }: WhatIf): string {
  const [first] = reasons
  const why = first ? `: ${sentence([first])}` : ''
  return helps
    ? `if ${words}: ${verdictText(verdict)}${planText(monthlyCost)}`
    : `if ${words}, it would still be ${verdictText(verdict)}${why}`
}

/** One alternative, with its cost and what speaks against it. */
export function alternativeText({ what, verdict, monthlyCost, reasons }: Alternative): string {
  const word = { chosen: 'chosen', possible: 'possible', no: 'not possible' }[verdict]
  const why = verdict === 'no' && reasons.length > 0 ? `: ${sentence(reasons)}` : ''
  return `${what}${monthlyCost === undefined ? '' : costText(monthlyCost)}: ${word}${why}`
}

/** The plan is about the whole cluster: a change for the sake of one may change it for others too. */
function planText(monthlyCost: number): string {
  if (monthlyCost === 0) return '; the plan costs the same'
  return `; the plan costs ${money(Math.abs(monthlyCost))} a month ${monthlyCost > 0 ? 'more' : 'less'}`
}

function costText(monthlyCost: number): string {
  if (monthlyCost === 0) return ', at the same cost'
  return monthlyCost > 0
    ? `, for ${money(monthlyCost)} a month more`
    : `, which saves ${money(-monthlyCost)} a month`
}

function part(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`  ${title}:`, ...lines.map((line) => `    ${line}`)]
}
