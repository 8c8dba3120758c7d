import type {
  LabelSelector,
  NodeSelectorTerm,
  PodSpec,
  SelectorRequirement,
} from '../../../common/kube/objects.ts'
import { affinityTermsOf, antiAffinityTermsOf, nodeTermsOf } from './reads.ts'

const ofLabels = ['In', 'NotIn', 'Exists', 'DoesNotExist']
const ofNodes = [...ofLabels, 'Gt', 'Lt']
const whenUnsatisfiable = ['DoNotSchedule', 'ScheduleAnyway']

/**
 * What in a pod's selectors, affinities and spreads means nothing, with path and value; undefined if all is well.
 * The API server lets none of it through, but a written-down state may hold it, and so may a newer API server.
 */
export function problemOf(spec: PodSpec): string | undefined {
  const { topologySpreadConstraints: spreads = [] } = spec
  const terms = nodeTermsOf(spec).flatMap((term, i) => ofTerm(term, `nodeAffinity term ${i}`))
  const pods = [
    ...affinityTermsOf(spec).map((term, i) => ({ term, at: `podAffinity term ${i}` })),
    ...antiAffinityTermsOf(spec).map((term, i) => ({ term, at: `podAntiAffinity term ${i}` })),
  ].flatMap(({ term, at }) => [
    ...ofKey(term.topologyKey, at),
    ...ofSelector(term.labelSelector, `${at} labelSelector`),
    ...ofSelector(term.namespaceSelector, `${at} namespaceSelector`),
  ])
  const spread = spreads.flatMap((one, i) => [
    ...ofKey(one.topologyKey, `topologySpreadConstraints[${i}]`),
    ...atLeastOne(one.maxSkew, `topologySpreadConstraints[${i}].maxSkew`),
    ...atLeastOne(one.minDomains ?? 1, `topologySpreadConstraints[${i}].minDomains`),
    ...(whenUnsatisfiable.includes(one.whenUnsatisfiable)
      ? []
      : [
          bad(
            `topologySpreadConstraints[${i}].whenUnsatisfiable`,
            one.whenUnsatisfiable,
            whenUnsatisfiable.join(' or '),
          ),
        ]),
    ...ofSelector(one.labelSelector, `topologySpreadConstraints[${i}].labelSelector`),
  ])
  return [...terms, ...pods, ...spread][0]
}

function ofTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, at: string): string[] {
  return [...matchExpressions, ...matchFields].flatMap((one) => ofRequirement(one, ofNodes, at))
}

function ofSelector(selector: LabelSelector | undefined, at: string): string[] {
  return (selector?.matchExpressions ?? []).flatMap((one) => ofRequirement(one, ofLabels, at))
}

function ofRequirement(
  { operator, values = [], key }: SelectorRequirement,
  operators: readonly string[],
  at: string,
): string[] {
  if (!operators.includes(operator))
    return [bad(`${at} operator of ${key}`, operator, operators.join(' or '))]
  const asksValues = operator === 'In' || operator === 'NotIn'
  return asksValues && values.length === 0
    ? [bad(`${at} values of ${key}`, values, 'at least one value')]
    : []
}

function atLeastOne(value: number, at: string): string[] {
  return Number.isInteger(value) && value > 0 ? [] : [bad(at, value, 'a whole number of at least 1')]
}

function ofKey(topologyKey: unknown, at: string): string[] {
  return typeof topologyKey === 'string' && topologyKey !== ''
    ? []
    : [bad(`${at} topologyKey`, topologyKey, 'the key of a node label')]
}

function bad(path: string, value: unknown, right: string): string {
  return `${path} must be ${right}: current value is ${JSON.stringify(value)}`
}
