import type { KubeObject, LabelSelector } from '../../../common/kube/objects.ts'
import { badRequest } from './status.ts'

type Labels = Record<string, string>
type Test = (labels: Labels) => boolean

/**
 * A label selector as a query parameter: `a=b,c!=d,e in (x,y),f notin (z),g,!h` (k8s.io/apimachinery pkg/labels).
 * Throws 400 on text it cannot read.
 */
export function parseLabelSelector(text: string): Test {
  const tests = splitOutsideParentheses(text).map(parseRequirement)
  return (labels) => tests.every((test) => test(labels))
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/).flatMap((part) => part.trim() || [])
}

function parseRequirement(text: string): Test {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text)
  if (set) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim())
    return requirement(set[1] ?? '', set[2] === 'in' ? 'In' : 'NotIn', values)
  }
  const equality = /^([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)$/.exec(text)
  if (equality)
    return requirement(equality[1] ?? '', equality[2] === '!=' ? 'NotIn' : 'In', [equality[3] ?? ''])
  const exists = /^(!?)\s*([^\s=!()]+)$/.exec(text)
  if (exists) return requirement(exists[2] ?? '', exists[1] ? 'DoesNotExist' : 'Exists', [])
  throw badRequest(`unable to parse requirement: found '${text}'`)
}

/** One requirement of a label selector; throws 400 for an operator that labels do not have. */
export function requirement(key: string, operator: string, values: readonly string[]): Test {
  return (labels) => {
    const value = labels[key]
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value)
      case 'NotIn':
        return value === undefined || !values.includes(value)
      case 'Exists':
        return value !== undefined
      case 'DoesNotExist':
        return value === undefined
      default:
        throw badRequest(`"${operator}" is not a valid label selector operator`)
    }
  }
}

/** Whether labels match a selector as objects carry it; the empty selector matches everything, none matches nothing. */
export function matchesSelector(selector: LabelSelector | null | undefined, labels: Labels = {}): boolean {
  if (!selector) return false
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) =>
      requirement(key, operator, values)(labels),
    )
  )
}

/** What can be selected beside name and namespace (k8s.io/kubernetes pkg/registry, each kind's strategy). */
const selectable: Readonly<Record<string, RegExp>> = {
  pods: /^(spec\.(nodeName|restartPolicy|schedulerName|serviceAccountName|hostNetwork)|status\.(phase|podIP|nominatedNodeName))$/,
  nodes: /^spec\.unschedulable$/,
  namespaces: /^status\.phase$/,
  secrets: /^type$/,
  events: /^(involvedObject\.\w+|reason|reportingComponent|source|type)$/,
}

/**
 * A field selector as a query parameter: `metadata.name=a,spec.nodeName!=b`. An absent field is the empty text.
 * Throws 400 for one that cannot be read, or a field that the kind cannot be selected by.
 */
export function parseFieldSelector(text: string, plural: string): (object: KubeObject) => boolean {
  const tests = text.split(',').flatMap((part) => {
    if (!part) return []
    const parsed = /^([\w.]+)(==|=|!=)(.*)$/.exec(part)
    if (!parsed) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`)
    const [, path = '', operator, value = ''] = parsed
    if (!/^metadata\.(name|namespace)$/.test(path) && !selectable[plural]?.test(path))
      throw badRequest(`field label not supported: ${path}`)
    return (object: KubeObject) => (fieldText(object, path) === value) === (operator !== '!=')
  })
  return (object) => tests.every((test) => test(object))
}

function fieldText(object: unknown, path: string): string {
  const value = path.split('.').reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), object)
  return value === undefined || value === null ? '' : String(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
