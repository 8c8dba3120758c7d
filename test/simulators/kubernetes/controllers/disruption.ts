import type { KubeObject, Pod, PodDisruptionBudget } from '../../../../common/kube/objects.ts'
import { matchesSelector } from '../selectors.ts'
import { isPodReady, setStatus } from './deployments.ts'
import { type ControllerDeps, reconcileOnChange } from './reconciler.ts'

interface Budget extends PodDisruptionBudget {
  status?: PodDisruptionBudget['status'] & { disruptedPods?: Record<string, string> }
}

interface Scalable extends KubeObject {
  spec: { replicas?: number }
}

/** Keeps the status of PodDisruptionBudgets (k8s.io/kubernetes pkg/controller/disruption). */
export function startDisruption(deps: ControllerDeps, signal: AbortSignal): void {
  const { store } = deps
  reconcileOnChange(
    deps,
    ['pods', 'poddisruptionbudgets', 'replicasets'],
    () => {
      for (const budget of store.list<Budget>('poddisruptionbudgets')) reconcile(deps, budget)
      return undefined
    },
    signal,
  )
}

function reconcile({ store }: ControllerDeps, budget: Budget): void {
  const { namespace, generation } = budget.metadata
  const pods = store
    .list<Pod>('pods', { namespace })
    .filter(
      ({ metadata, status }) =>
        matchesSelector(budget.spec.selector, metadata.labels) &&
        !['Succeeded', 'Failed'].includes(status?.phase ?? ''),
    )
  const disrupted = Object.fromEntries(
    Object.entries(budget.status?.disruptedPods ?? {}).filter(([name]) =>
      pods.some((pod) => pod.metadata.name === name && !pod.metadata.deletionTimestamp),
    ),
  )
  const healthy = pods.filter((pod) => isPodReady(pod) && !(pod.metadata.name in disrupted)).length
  const expected = expectedOf({ store }, pods)
  const { minAvailable, maxUnavailable } = budget.spec
  const desired =
    minAvailable !== undefined
      ? count(minAvailable, expected)
      : Math.max(0, expected - count(maxUnavailable ?? 0, expected))
  const gone = Object.keys(budget.status?.disruptedPods ?? {}).filter((name) => !(name in disrupted))
  setStatus({ store }, 'poddisruptionbudgets', budget, {
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    disruptionsAllowed: expected === 0 ? 0 : Math.max(0, healthy - desired),
    disruptedPods: { ...disrupted, ...Object.fromEntries(gone.map((name) => [name, null])) },
    observedGeneration: generation,
  })
}

/** What the pods' ReplicaSets ask for; a pod without one counts itself. */
function expectedOf({ store }: Pick<ControllerDeps, 'store'>, pods: readonly Pod[]): number {
  const owners = new Map<string, number>()
  for (const { metadata } of pods) {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller)
    const found =
      owner && store.find<Scalable>('replicasets', { name: owner.name, namespace: metadata.namespace })
    owners.set(owner?.uid ?? metadata.name, found?.spec.replicas ?? 1)
  }
  return [...owners.values()].reduce((sum, replicas) => sum + replicas, 0)
}

function count(value: number | string, of: number): number {
  const percent = /^(\d+)%$/.exec(String(value))?.[1]
  return percent === undefined ? Number(value) : Math.ceil((Number(percent) * of) / 100)
}
