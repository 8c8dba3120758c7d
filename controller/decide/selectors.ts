import type { LabelSelector, NodeSelectorTerm, SelectorRequirement } from '../../common/kube/objects.ts'

export type Labels = Readonly<Record<string, string>>

const none: Labels = {}

/** True if the selector takes an object with these labels. An absent selector takes nothing, an empty one all. */
export function selects(selector: LabelSelector | null | undefined, labels: Labels = none): boolean {
  if (!selector) return false
  for (const key in selector.matchLabels) if (labels[key] !== selector.matchLabels[key]) return false
  return (selector.matchExpressions ?? []).every((requirement) => meets(labels[requirement.key], requirement))
}

/** True if a label of this value, or an absent one, meets the requirement (all operators of node selectors). */
export function meets(value: string | undefined, { operator, values = [] }: SelectorRequirement): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return compare(value, values[0], (label, bound) => label > bound)
    case 'Lt':
      return compare(value, values[0], (label, bound) => label < bound)
    default:
      return false
  }
}

const integer = /^[+-]?\d+$/

function compare(
  label: string | undefined,
  bound: string | undefined,
  holds: (a: bigint, b: bigint) => boolean,
): boolean {
  if (label === undefined || bound === undefined || !integer.test(label) || !integer.test(bound)) return false
  return holds(BigInt(label), BigInt(bound))
}

/**
 * True if a node meets at least one of the terms. A term without any requirement matches no node
 * (k8s.io/component-helpers nodeaffinity).
 */
export function matchesAnyTerm(terms: readonly NodeSelectorTerm[], labels: Labels, name: string): boolean {
  return terms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false
    return (
      matchExpressions.every((requirement) => meets(labels[requirement.key], requirement)) &&
      matchFields.every((requirement) => requirement.key === 'metadata.name' && meets(name, requirement))
    )
  })
}

/** A requirement as people write it: `zone in (a, b)`. */
export function requirementText({ key, operator, values = [] }: SelectorRequirement): string {
  return values.length > 0 ? `${key} ${operator} (${values.join(', ')})` : `${key} ${operator}`
}
