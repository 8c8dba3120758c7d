import type { NodeSelectorTerm } from '../../../common/kube/objects.ts'
import { matchesAnyTerm, requirementText } from '../selectors.ts'
import type { Bin } from '../shape/bins.ts'
import type { PodClass } from '../shape/classes.ts'
import { nodeTermsOf } from '../shape/reads.ts'
import type { Filter } from './filter.ts'

/** The node selector and one term of the required node affinity must match (plugin NodeAffinity). */
export const nodeAffinity: Filter = {
  code: 'NodeAffinity',
  refuses: (pod, bin) => missingLabel(pod, bin) !== undefined || !matchesTerms(pod, bin),
  explain(pod, bin) {
    const missing = missingLabel(pod, bin)
    if (missing !== undefined) {
      const has = bin.labels[missing]
      const wanted = pod.pod.spec.nodeSelector?.[missing]
      return `nodeSelector asks for ${missing}=${wanted}, the node has ${has === undefined ? 'no such label' : `${missing}=${has}`}`
    }
    return `no term of the required node affinity matches: ${nodeTermsOf(pod.pod.spec).map(termText).join(' or ')}`
  },
}

/** True if the pod's selector and affinity admit the node; also decides which domains a spread counts. */
export function admitsNode(pod: PodClass, bin: Bin): boolean {
  return missingLabel(pod, bin) === undefined && matchesTerms(pod, bin)
}

function missingLabel({ pod }: PodClass, { labels }: Bin): string | undefined {
  const selector = pod.spec.nodeSelector
  for (const key in selector) if (labels[key] !== selector[key]) return key
  return undefined
}

function matchesTerms({ pod }: PodClass, { labels, name }: Bin): boolean {
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return required === undefined || matchesAnyTerm(required.nodeSelectorTerms, labels, name)
}

function termText({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): string {
  return [...matchExpressions, ...matchFields].map(requirementText).join(' and ') || 'an empty term'
}
