import type {
  Node,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  Quantities,
  SelectorRequirement,
  Taint,
  Toleration,
} from '../../../../common/kube/objects.ts'
import { parseMillicores, parseUnits } from '../../../../common/quantity.ts'
import { requirement } from '../selectors.ts'

/*
 * Which node a pod fits, in the simulation's own words: it must not share code with the decision it is to test.
 */

export function toleratesAll(taints: readonly Taint[], tolerations: readonly Toleration[] = []): boolean {
  return taints
    .filter(({ effect }) => effect !== 'PreferNoSchedule')
    .every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)))
}

function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (!key) return operator === 'Exists'
  return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''))
}

/** nodeSelector and required node affinity. */
export function matchesNodeSelection({ nodeSelector = {}, affinity }: PodSpec, { metadata }: Node): boolean {
  const labels = metadata.labels ?? {}
  if (!Object.entries(nodeSelector).every(([key, value]) => labels[key] === value)) return false
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  return !terms || terms.some((term) => matchesTerm(term, labels, metadata.name))
}

function matchesTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  labels: Record<string, string>,
  name: string,
): boolean {
  return (
    matchExpressions.every((each) => matchesRequirement(each, labels[each.key])) &&
    matchFields.every((each) => matchesRequirement(each, name))
  )
}

/** As for labels, and two operators more. */
function matchesRequirement(
  { key, operator, values = [] }: SelectorRequirement,
  value: string | undefined,
): boolean {
  if (operator === 'Gt') return Number(value) > Number(values[0])
  if (operator === 'Lt') return Number(value) < Number(values[0])
  return requirement(key, operator, values)(value === undefined ? {} : { [key]: value })
}

export interface Room {
  /** Millicores. */
  cpu: number
  /** Bytes. */
  memory: number
  pods: number
}

/** The larger of all containers together and any init container; sidecars are not told apart. */
export function requestsOf({ containers, initContainers = [] }: PodSpec): Room {
  const sum = containers.map(roomOf).reduce(add, { cpu: 0, memory: 0, pods: 0 })
  const most = initContainers
    .map(roomOf)
    .reduce((a, b) => ({ cpu: Math.max(a.cpu, b.cpu), memory: Math.max(a.memory, b.memory), pods: 0 }), sum)
  return { ...most, pods: 1 }
}

const roomOf = ({ resources }: PodSpec['containers'][number]) => readRoom(resources?.requests)
const add = (a: Room, b: Room): Room => ({
  cpu: a.cpu + b.cpu,
  memory: a.memory + b.memory,
  pods: a.pods + b.pods,
})

function readRoom({ cpu = 0, memory = 0, pods = 0 }: Quantities = {}): Room {
  return {
    cpu: parseMillicores(cpu, 'cpu'),
    memory: parseUnits(memory, 'memory'),
    pods: parseUnits(pods, 'pods'),
  }
}

/** What a node's allocatable leaves after the pods that are on it. */
export function freeOf(node: Node, pods: readonly Pod[]): Room {
  const used = pods
    .filter(isTaking)
    .map(({ spec }) => requestsOf(spec))
    .reduce(add, { cpu: 0, memory: 0, pods: 0 })
  const { cpu, memory, pods: count } = readRoom(node.status?.allocatable)
  return { cpu: cpu - used.cpu, memory: memory - used.memory, pods: count - used.pods }
}

const isTaking = ({ status }: Pod) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

/** Why a pod does not fit the node, in kube-scheduler's words; undefined if it does. */
export function misfit(pod: Pod, node: Node, free: Room): string | undefined {
  const wanted = requestsOf(pod.spec)
  if (node.spec?.unschedulable) return 'node(s) were unschedulable'
  const taint = (node.spec?.taints ?? []).find((each) => !toleratesAll([each], pod.spec.tolerations))
  if (taint) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`
  if (!matchesNodeSelection(pod.spec, node)) return "node(s) didn't match Pod's node affinity/selector"
  if (wanted.cpu > free.cpu) return 'Insufficient cpu'
  if (wanted.memory > free.memory) return 'Insufficient memory'
  return wanted.pods > free.pods ? 'Too many pods' : undefined
}
