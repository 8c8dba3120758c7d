import { wellKnown } from '../../../common/api/names.ts'
import type { LabelSelector, NodeSelectorTerm, Pod, PodSpec } from '../../../common/kube/objects.ts'

/**
 * Which labels anything in the cluster looks at. All others are left out of a shape, so that pods which differ only
 * in a StatefulSet's ordinal, say, stay one class, and nodes which differ only in their name one template.
 */
export interface LabelsRead {
  readonly ofPods: ReadonlySet<string>
  readonly ofNodes: ReadonlySet<string>
}

/** Collects the label keys that selectors, affinities and spread constraints of the pods name. */
export function labelsRead(
  pods: Iterable<{ spec: PodSpec }>,
  volumeTerms: Iterable<NodeSelectorTerm>,
): LabelsRead {
  const ofPods = new Set<string>()
  const ofNodes = new Set<string>()
  for (const { spec } of pods) readSpec(spec, ofPods, ofNodes)
  for (const term of volumeTerms) readTerm(term, ofNodes)
  return { ofPods, ofNodes }
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
