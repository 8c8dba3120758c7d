import { toTimestamp } from '../../../common/clock.ts'
import type { Pod, PodDisruptionBudget } from '../../../common/kube/objects.ts'
import type { DeleteOptions } from './deletion.ts'
import { matchesSelector } from './selectors.ts'
import { StatusError } from './status.ts'
import type { Name, Store } from './store.ts'

interface Budget extends PodDisruptionBudget {
  status?: PodDisruptionBudget['status'] & { disruptedPods?: Record<string, string> }
}

/**
 * Evicts a pod as policy/v1 does (k8s.io/kubernetes pkg/registry/core/pod/storage/eviction.go): a matching budget is
 * charged first, so that two evictions at once cannot both have its last disruption. Throws 429 if it is used up.
 */
export function evict(store: Store, name: Name, options: DeleteOptions): void {
  const pod = store.get<Pod>('pods', name)
  if (!isFree(pod)) {
    const budgets = store
      .list<Budget>('poddisruptionbudgets', { namespace: name.namespace })
      .filter(({ spec }) => matchesSelector(spec.selector, pod.metadata.labels))
    if (budgets.length > 1) {
      throw new StatusError(
        500,
        'InternalError',
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      )
    }
    const [budget] = budgets
    if (budget && !isUnhealthyAllowed(pod, budget)) charge(store, budget, pod)
  }
  store.delete('pods', name, options)
}

function isFree({ status, metadata }: Pod): boolean {
  return (
    metadata.deletionTimestamp !== undefined ||
    ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? 'Pending')
  )
}

function isUnhealthyAllowed(pod: Pod, { spec, status }: Budget): boolean {
  const ready = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  if (ready) return false
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  return (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0) && (status?.desiredHealthy ?? 0) > 0
}

function charge(store: Store, budget: Budget, pod: Pod): void {
  const { disruptionsAllowed = 0, disruptedPods = {}, observedGeneration = 0 } = budget.status ?? {}
  const { name } = budget.metadata
  if (observedGeneration < (budget.metadata.generation ?? 0) || disruptionsAllowed < 1) {
    const message = "Cannot evict pod as it would violate the pod's disruption budget."
    throw new StatusError(429, 'TooManyRequests', message, {
      causes: [
        {
          reason: 'DisruptionBudget',
          message: `The disruption budget ${name} needs ${budget.status?.desiredHealthy ?? 0} healthy pods and has ${budget.status?.currentHealthy ?? 0} currently`,
        },
      ],
      ...(observedGeneration < (budget.metadata.generation ?? 0) ? { retryAfterSeconds: 10 } : {}),
    })
  }
  store.update<Budget>('poddisruptionbudgets', {
    ...budget,
    status: {
      ...budget.status,
      disruptionsAllowed: disruptionsAllowed - 1,
      disruptedPods: { ...disruptedPods, [pod.metadata.name]: toTimestamp(store.clock.now()) },
    },
  })
}
