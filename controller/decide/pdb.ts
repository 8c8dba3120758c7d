import { counted } from '../../common/counted.ts'
import type { Pod, PodDisruptionBudget } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import type { Reason } from './plan.ts'
import { selects } from './selectors.ts'

/** The budgets of all pods together: what one removal uses up is gone for the next. */
export interface Budgets {
  /** The budgets a pod is under. */
  of(pod: Pod): readonly PodDisruptionBudget[]
  /** Takes the evictions of all the pods, or nothing and says which budget does not allow them. */
  take(pods: readonly Pod[]): Reason[]
  /** Gives back what `take` took. */
  giveBack(pods: readonly Pod[]): void
}

export function createBudgets(budgets: readonly PodDisruptionBudget[]): Budgets {
  const byNamespace = new Map<string, PodDisruptionBudget[]>()
  const left = new Map<PodDisruptionBudget, number>()
  for (const budget of budgets) {
    const { namespace = '' } = budget.metadata
    byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), budget])
    left.set(budget, allowed(budget))
  }
  const of = ({ metadata }: Pod) =>
    (byNamespace.get(metadata.namespace ?? '') ?? []).filter(({ spec }) =>
      selects(spec.selector, metadata.labels),
    )

  function uses(pods: readonly Pod[]): Map<PodDisruptionBudget, number> {
    const found = new Map<PodDisruptionBudget, number>()
    for (const pod of pods) {
      const [budget] = of(pod)
      if (budget && !isFree(pod, budget)) found.set(budget, (found.get(budget) ?? 0) + 1)
    }
    return found
  }

  return {
    of,
    take(pods) {
      const twice = pods.filter((pod) => of(pod).length > 1).map(underTwo)
      const used = uses(pods)
      const short = [...used].filter(([budget, count]) => count > (left.get(budget) ?? 0))
      const refused = [
        ...twice,
        ...short.map(([budget, count]) => tooFew(budget, count, left.get(budget) ?? 0)),
      ]
      if (refused.length === 0)
        for (const [budget, count] of used) left.set(budget, (left.get(budget) ?? 0) - count)
      return refused
    },
    giveBack(pods) {
      for (const [budget, count] of uses(pods)) left.set(budget, (left.get(budget) ?? 0) + count)
    },
  }
}

/** A budget whose controller has not seen its latest change allows nothing, as the eviction API has it. */
function allowed({ metadata, status }: PodDisruptionBudget): number {
  const stale = (status?.observedGeneration ?? metadata.generation ?? 0) < (metadata.generation ?? 0)
  return stale ? 0 : (status?.disruptionsAllowed ?? 0)
}

/** An eviction of a pod that is not ready costs no budget where the policy says so (KEP-3017). */
function isFree(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready === undefined || ready.status === 'True') return false
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {}
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy
}

function underTwo(pod: Pod): Reason {
  return {
    code: 'PodDisruptionBudget',
    message: 'is under two budgets, and the API server then refuses evictions',
    object: keyOf(pod),
  }
}

function tooFew(budget: PodDisruptionBudget, count: number, left: number): Reason {
  return {
    code: 'PodDisruptionBudget',
    message: `budget ${keyOf(budget)} allows ${counted(left, 'more eviction')}, ${count} ${count === 1 ? 'is' : 'are'} needed`,
    object: keyOf(budget),
  }
}
