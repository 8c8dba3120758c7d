import type { Plan, Reason } from '../decide/plan.ts'
import type { Explanation, Subject } from './explanation.ts'

/** What a plan says of a subject, in the same form for all kinds. */
export type Verdict = Pick<
  Explanation,
  'verdict' | 'since' | 'until' | 'node' | 'nodeGroup' | 'offering' | 'monthlyCost' | 'moves'
> & { reasons: readonly Reason[] }

/** Finds the subject in the plan; undefined if the plan does not know it. */
export function verdictOf(plan: Plan, { kind, name }: Subject): Verdict | undefined {
  if (kind === 'pod') {
    const found = plan.pods.find(({ pod }) => pod === name)
    if (!found) return undefined
    const { pod: _, ...verdict } = found
    return verdict
  }
  if (kind === 'node') {
    const found = plan.nodes.find(({ node }) => node === name)
    if (!found) return undefined
    const { node: _, evict: __, moves, ...verdict } = found
    return { ...verdict, ...(moves.length > 0 && { moves }) }
  }
  const found = plan.groups.find(({ nodeGroup }) => nodeGroup === name)
  if (!found) return undefined
  const { current, target, reasons, monthlyCost } = found
  return { verdict: `${current}/${target}`, reasons, monthlyCost }
}

/**
 * The subject of that kind and name. A pod's or group's name may come without its namespace where only one has it.
 * Undefined if the plan knows none or several.
 */
export function findSubject(plan: Plan, kind: Subject['kind'], name: string): Subject | undefined {
  const names = namesOf(plan, kind)
  if (names.includes(name)) return { kind, name }
  const [only, another] = names.filter((one) => one.endsWith(`/${name}`))
  return only !== undefined && another === undefined ? { kind, name: only } : undefined
}

const mostNear = 5

/** Names that the asker may have meant: those with most in common with what was asked for. */
export function nearNames(plan: Plan, kind: Subject['kind'], name: string): string[] {
  const wanted = pairsOf(name)
  return namesOf(plan, kind)
    .map((one) => ({ one, score: likeness(wanted, pairsOf(one)) }))
    .filter(({ score }) => score > 0.4)
    .sort((a, b) => b.score - a.score || (a.one < b.one ? -1 : 1))
    .slice(0, mostNear)
    .map(({ one }) => one)
}

function namesOf(plan: Plan, kind: Subject['kind']): string[] {
  if (kind === 'pod') return plan.pods.map(({ pod }) => pod)
  return kind === 'node' ? plan.nodes.map(({ node }) => node) : plan.groups.map((group) => group.nodeGroup)
}

/** Neighbouring letters, as Sørensen and Dice compare words by. */
function pairsOf(text: string): Set<string> {
  return new Set(Array.from({ length: Math.max(1, text.length - 1) }, (_, i) => text.slice(i, i + 2)))
}

function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const common = [...a].filter((pair) => b.has(pair)).length
  return (2 * common) / (a.size + b.size)
}
