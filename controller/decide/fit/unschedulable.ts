import type { Filter } from './filter.ts'
import { tolerates } from './taints.ts'

/** A cordoned node takes only pods that tolerate its taint (plugin NodeUnschedulable). */
export const nodeUnschedulable: Filter = {
  code: 'NodeUnschedulable',
  refuses: ({ pod }, { unschedulable }) =>
    unschedulable &&
    !pod.spec.tolerations?.some((toleration) =>
      tolerates(toleration, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }),
    ),
  explain: () => 'the node is cordoned',
}
