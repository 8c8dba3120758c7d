import type { Taint, Toleration } from '../../../common/kube/objects.ts'
import type { Filter } from './filter.ts'

/** True if the toleration covers the taint (k8s.io/api core/v1 Toleration.ToleratesTaint). */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration
  if (effect !== '' && effect !== taint.effect) return false
  if (key !== '' && key !== taint.key) return false
  if (operator === 'Exists') return true
  return key !== '' && value === (taint.value ?? '')
}

/** The first taint that keeps a pod with these tolerations away; preferences never do. */
export function untolerated(
  taints: readonly Taint[],
  tolerations: readonly Toleration[] = [],
): Taint | undefined {
  return taints.find(
    (taint) =>
      taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  )
}

/** Every NoSchedule and NoExecute taint must be tolerated (plugin TaintToleration). */
export const taintToleration: Filter = {
  code: 'TaintToleration',
  refuses: ({ pod }, { taints }) => untolerated(taints, pod.spec.tolerations) !== undefined,
  explain({ pod }, { taints }) {
    const taint = untolerated(taints, pod.spec.tolerations)
    return `taint ${taint?.key}${taint?.value ? `=${taint.value}` : ''}:${taint?.effect} is not tolerated`
  },
}
