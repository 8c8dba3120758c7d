import { wellKnown } from '../../../common/api/names.ts'
import type { LabelSelector, NodeSelectorTerm, Pod, PodSpec } from '../../../common/kube/objects.ts'
import { resourceNames } from '../resources.ts'

/**
 * Which labels anything in the cluster looks at. All others are left out of a shape, so that pods which differ only
 * in a StatefulSet's ordinal, say, stay one class, and nodes which differ only in their name one template.
 */
export interface LabelsRead {
  readonly ofPods: ReadonlySet<string>
  readonly ofNodes: ReadonlySet<string>
  /** Text that is equal for equal `ofPods`. */
  readonly signature: string
}

/** What one pod reads, and the resources besides the usual four that it asks for. */
interface Reads {
  readonly ofPods: readonly string[]
  readonly ofNodes: readonly string[]
  readonly resources: readonly string[]
}

const nothing: Reads = { ofPods: [], ofNodes: [], resources: [] }
// A watch cache hands out the same spec until the pod changes, so most of a pass's pods have been read before.
const known = new WeakMap<PodSpec, Reads>()

/** Collects the label keys that selectors, affinities and spread constraints of the pods name, sorted. */
export function labelsRead(
  pods: Iterable<{ spec: PodSpec }>,
  volumeTerms: Iterable<NodeSelectorTerm>,
): LabelsRead {
  const ofPods = new Set<string>()
  const ofNodes = new Set<string>()
  for (const { spec } of pods) {
    const reads = readsOf(spec)
    for (const key of reads.ofPods) ofPods.add(key)
    for (const key of reads.ofNodes) ofNodes.add(key)
  }
  for (const term of volumeTerms) readTerm(term, ofNodes)
  const sorted = [...ofPods].sort()
  return { ofPods: new Set(sorted), ofNodes: new Set([...ofNodes].sort()), signature: sorted.join() }
}

/** Names of the resources besides the usual four that the pods ask for. */
export function furtherResources(pods: Iterable<{ spec: PodSpec }>): Set<string> {
  const names = new Set<string>()
  for (const { spec } of pods) for (const name of readsOf(spec).resources) names.add(name)
  return names
}

function readsOf(spec: PodSpec): Reads {
  const found = known.get(spec)
  if (found) return found
  const ofPods = new Set<string>()
  const ofNodes = new Set<string>()
  readSpec(spec, ofPods, ofNodes)
  const resources = resourceNames(spec)
  const isEmpty = ofPods.size + ofNodes.size + resources.length === 0
  const reads = isEmpty ? nothing : { ofPods: [...ofPods], ofNodes: [...ofNodes], resources }
  known.set(spec, reads)
  return reads
}

function readSpec(spec: PodSpec, ofPods: Set<string>, ofNodes: Set<string>): void {
  for (const key in spec.nodeSelector) ofNodes.add(key)
  for (const term of nodeTermsOf(spec)) readTerm(term, ofNodes)
  for (const term of [...affinityTermsOf(spec), ...antiAffinityTermsOf(spec)]) {
    ofNodes.add(term.topologyKey)
    readSelector(term.labelSelector, ofPods)
    for (const key of [...(term.matchLabelKeys ?? []), ...(term.mismatchLabelKeys ?? [])]) ofPods.add(key)
  }
  for (const constraint of hardSpreadOf(spec)) {
    ofNodes.add(constraint.topologyKey)
    readSelector(constraint.labelSelector, ofPods)
    for (const key of constraint.matchLabelKeys ?? []) ofPods.add(key)
  }
}

function readTerm({ matchExpressions = [] }: NodeSelectorTerm, keys: Set<string>): void {
  for (const { key } of matchExpressions) keys.add(key)
}

function readSelector(selector: LabelSelector | undefined, keys: Set<string>): void {
  for (const key in selector?.matchLabels) keys.add(key)
  for (const { key } of selector?.matchExpressions ?? []) keys.add(key)
}

/** The terms of the required node affinity, of which one must hold; empty where there is none. */
export function nodeTermsOf({ affinity }: PodSpec): readonly NodeSelectorTerm[] {
  return affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
}

export function affinityTermsOf({ affinity }: PodSpec) {
  return affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
}

export function antiAffinityTermsOf({ affinity }: PodSpec) {
  return affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
}

/** The spread constraints that can keep a pod from a node. */
export function hardSpreadOf({ topologySpreadConstraints = [] }: PodSpec) {
  return topologySpreadConstraints.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule')
}

/** True if the pod asks for nodes by name or host name, so that nodes of one shape differ for it. */
export function asksByName(spec: PodSpec): boolean {
  if (spec.nodeSelector?.[wellKnown.hostname] !== undefined) return true
  return nodeTermsOf(spec).some(
    ({ matchFields = [], matchExpressions = [] }) =>
      matchFields.length > 0 || matchExpressions.some(({ key }) => key === wellKnown.hostname),
  )
}

/** True if the pod's node was written by hand, not by a scheduler that has found room there. */
export function isPinned({ spec, status }: Pod): boolean {
  if (!spec.nodeName || status?.phase === 'Running') return false
  return !status?.conditions?.some(({ type, status: is }) => type === 'PodScheduled' && is === 'True')
}
