import type { KubeObject, ObjectMeta, Pod, PodSpec } from '../../../../common/kube/objects.ts'
import { isOwned, ownerOf, setStatus } from './deployments.ts'
import { type ControllerDeps, reconcileOnChange } from './reconciler.ts'

interface Job extends KubeObject {
  spec: { template: { metadata?: Partial<ObjectMeta>; spec: PodSpec } }
  status?: { succeeded?: number }
}

/** Runs one pod of each Job until one has succeeded. A pod that fails is followed by the next. */
export function startJobs(deps: ControllerDeps, signal: AbortSignal): void {
  const { store } = deps
  reconcileOnChange(
    deps,
    ['jobs', 'pods'],
    () => {
      for (const job of store.list<Job>('jobs')) if (!job.status?.succeeded) reconcile(deps, job)
      return undefined
    },
    signal,
  )
}

function reconcile({ store }: ControllerDeps, job: Job): void {
  const { namespace, name } = job.metadata
  const { template } = job.spec
  const own = store.list<Pod>('pods', { namespace }).filter((pod) => isOwned(pod, job))
  const count = (wanted: string) => own.filter(({ status }) => status?.phase === wanted).length
  const [succeeded, failed] = [count('Succeeded'), count('Failed')]
  if (succeeded === 0 && own.length === failed) {
    const labels = { ...template.metadata?.labels, 'batch.kubernetes.io/job-name': name }
    const metadata = {
      generateName: `${name}-`,
      name: '',
      namespace: namespace ?? '',
      labels,
      ownerReferences: [ownerOf(job)],
    }
    const spec = { priority: 0, ...template.spec }
    store.create<Pod>('pods', { metadata, spec, status: { phase: 'Pending' } })
  }
  setStatus({ store }, 'jobs', job, { active: own.length - failed - succeeded, succeeded, failed })
}
