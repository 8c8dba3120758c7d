import { createHash } from 'node:crypto'
import type {
  KubeObject,
  LabelSelector,
  ObjectMeta,
  OwnerReference,
  Pod,
  PodSpec,
} from '../../../../common/kube/objects.ts'
import { type ControllerDeps, reconcileOnChange } from './reconciler.ts'

interface Template {
  metadata?: Partial<ObjectMeta>
  spec: PodSpec
}

interface Replicated extends KubeObject {
  spec: { replicas?: number; selector: LabelSelector; template: Template }
  status?: object
}

/** Makes each Deployment's ReplicaSet, and each ReplicaSet's pods. A changed template replaces all pods at once. */
export function startDeployments(deps: ControllerDeps, signal: AbortSignal): void {
  const { store } = deps
  reconcileOnChange(
    deps,
    ['deployments', 'replicasets', 'pods'],
    () => {
      for (const deployment of store.list<Replicated>('deployments')) reconcileDeployment(deps, deployment)
      for (const replicaSet of store.list<Replicated>('replicasets')) reconcileReplicaSet(deps, replicaSet)
      return undefined
    },
    signal,
  )
}

function reconcileDeployment({ store }: ControllerDeps, deployment: Replicated): void {
  const { name, namespace } = deployment.metadata
  const { template, selector, replicas = 1 } = deployment.spec
  const hash = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10)
  const own = store.list<Replicated>('replicasets', { namespace }).filter((each) => isOwned(each, deployment))
  const current = own.find(({ metadata }) => metadata.labels?.['pod-template-hash'] === hash)
  const labels = { ...template.metadata?.labels, 'pod-template-hash': hash }
  const spec = {
    replicas,
    selector: { ...selector, matchLabels: { ...selector.matchLabels, 'pod-template-hash': hash } },
    template: { ...template, metadata: { ...template.metadata, labels } },
  }
  if (!current) {
    const metadata = {
      name: `${name}-${hash}`,
      namespace: namespace ?? '',
      labels,
      ownerReferences: [ownerOf(deployment)],
    }
    store.create<Replicated>('replicasets', { metadata, spec })
  } else if (current.spec.replicas !== replicas) {
    store.patch('replicasets', current.metadata, { spec: { replicas } })
  }
  for (const old of own) {
    if (old !== current && old.spec.replicas !== 0)
      store.patch('replicasets', old.metadata, { spec: { replicas: 0 } })
  }
  const pods = store.list<Pod>('pods', { namespace }).filter((pod) => own.some((each) => isOwned(pod, each)))
  setStatus({ store }, 'deployments', deployment, replicaStatus(deployment, pods))
}

function reconcileReplicaSet({ store }: ControllerDeps, replicaSet: Replicated): void {
  const { namespace, name } = replicaSet.metadata
  const { replicas = 1, template } = replicaSet.spec
  const own = store.list<Pod>('pods', { namespace }).filter((pod) => isOwned(pod, replicaSet))
  const active = own.filter(
    ({ metadata, status }) =>
      !metadata.deletionTimestamp && !['Succeeded', 'Failed'].includes(status?.phase ?? ''),
  )
  for (let i = active.length; i < replicas; i++) {
    const metadata = {
      generateName: `${name}-`,
      name: '',
      namespace: namespace ?? '',
      labels: template.metadata?.labels ?? {},
      ...(template.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
      ownerReferences: [ownerOf(replicaSet)],
    }
    store.create<Pod>('pods', {
      metadata,
      spec: { priority: 0, ...template.spec },
      status: { phase: 'Pending' },
    })
  }
  for (const pod of byExpendability(active).slice(0, Math.max(0, active.length - replicas))) {
    store.delete('pods', pod.metadata)
  }
  setStatus({ store }, 'replicasets', replicaSet, replicaStatus(replicaSet, own))
}

/** Who goes first when there are too many (k8s.io/kubernetes pkg/controller ActivePods): unbound, unready, youngest. */
function byExpendability(pods: readonly Pod[]): Pod[] {
  const rank = (pod: Pod) => (pod.spec.nodeName ? 2 : 0) + (isPodReady(pod) ? 1 : 0)
  const born = ({ metadata }: Pod) => metadata.creationTimestamp ?? ''
  return [...pods].sort(
    (a, b) =>
      rank(a) - rank(b) || born(b).localeCompare(born(a)) || b.metadata.name.localeCompare(a.metadata.name),
  )
}

export function isPodReady({ status, metadata }: Pod): boolean {
  const ready = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  return ready && metadata.deletionTimestamp === undefined
}

export function isOwned({ metadata }: KubeObject, owner: KubeObject): boolean {
  return (
    metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === owner.metadata.uid) ?? false
  )
}

export function ownerOf({ apiVersion = '', kind = '', metadata }: KubeObject): OwnerReference {
  return {
    apiVersion,
    kind,
    name: metadata.name,
    uid: metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}

function replicaStatus({ metadata }: KubeObject, pods: readonly Pod[]): object {
  const live = pods.filter(({ metadata }) => !metadata.deletionTimestamp)
  const ready = live.filter(isPodReady).length
  return {
    replicas: live.length,
    readyReplicas: ready,
    availableReplicas: ready,
    observedGeneration: metadata.generation,
  }
}

/** Writes a status if it says anything new; the object may be gone or changed since it was read. */
export function setStatus(
  { store }: Pick<ControllerDeps, 'store'>,
  plural: string,
  { metadata }: KubeObject,
  status: object,
): void {
  if (store.find(plural, metadata)) store.patch(plural, metadata, { status })
}
