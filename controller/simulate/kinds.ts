import type { TSchema } from 'typebox'
import { autoscalerConfigSchema } from '../../common/api/autoscalerconfig.ts'
import { checkStructure } from '../../common/api/check.ts'
import { group as own } from '../../common/api/names.ts'
import { InputError } from '../../common/errors.ts'
import type { KubeObject } from '../../common/kube/objects.ts'
import type { ClusterState } from '../decide/state.ts'
import { kubernetesSchemas as k, nodeGroup, nodeUsage, offering, vpsieNode } from './schemas.ts'

/** A kind that a state may hold. */
export interface Kind {
  apiGroup: string
  schema: TSchema
  /** The list of the state it belongs to, or what else is done with it. */
  list: keyof ClusterState
  namespace?: string
}

const simulated = 'simulate.autoscaler.vpsie.com'

/** Every kind a state may hold. Own kinds without a namespace are taken to be in the first of `--namespaces`. */
const kinds: Readonly<Record<string, Kind>> = {
  Pod: { apiGroup: '', schema: k.Pod, list: 'pods', namespace: 'default' },
  Node: { apiGroup: '', schema: k.Node, list: 'nodes' },
  Namespace: { apiGroup: '', schema: k.Namespace, list: 'namespaces' },
  PersistentVolumeClaim: {
    apiGroup: '',
    schema: k.PersistentVolumeClaim,
    list: 'persistentVolumeClaims',
    namespace: 'default',
  },
  PersistentVolume: { apiGroup: '', schema: k.PersistentVolume, list: 'persistentVolumes' },
  ReplicationController: { apiGroup: '', schema: k.Workload, list: 'workloads', namespace: 'default' },
  DaemonSet: { apiGroup: 'apps', schema: k.DaemonSet, list: 'daemonSets', namespace: 'default' },
  ReplicaSet: { apiGroup: 'apps', schema: k.Workload, list: 'workloads', namespace: 'default' },
  StatefulSet: { apiGroup: 'apps', schema: k.Workload, list: 'workloads', namespace: 'default' },
  Job: { apiGroup: 'batch', schema: k.Workload, list: 'workloads', namespace: 'default' },
  PodDisruptionBudget: {
    apiGroup: 'policy',
    schema: k.PodDisruptionBudget,
    list: 'podDisruptionBudgets',
    namespace: 'default',
  },
  StorageClass: { apiGroup: 'storage.k8s.io', schema: k.StorageClass, list: 'storageClasses' },
  CSINode: { apiGroup: 'storage.k8s.io', schema: k.CSINode, list: 'csiNodes' },
  PriorityClass: { apiGroup: 'scheduling.k8s.io', schema: k.PriorityClass, list: 'priorityClasses' },
  NodeGroup: { apiGroup: own, schema: nodeGroup, list: 'nodeGroups', namespace: '' },
  VPSieNode: { apiGroup: own, schema: vpsieNode, list: 'vpsieNodes', namespace: '' },
  AutoscalerConfig: { apiGroup: own, schema: autoscalerConfigSchema, list: 'autoscalerConfig' },
  Offering: { apiGroup: simulated, schema: offering, list: 'offerings' },
  NodeUsage: { apiGroup: simulated, schema: nodeUsage, list: 'usage' },
}

/** What is known of an object's kind; undefined if it is none that a decision reads. */
export function kindOf({ kind, apiVersion: version }: Record<string, unknown>): Kind | undefined {
  const found = Object.hasOwn(kinds, String(kind)) ? kinds[String(kind)] : undefined
  const apiGroup = typeof version === 'string' && version.includes('/') ? version.split('/')[0] : ''
  return found?.apiGroup === apiGroup ? found : undefined
}

/** Throws `InputError` for the first mistake in an object's structure. */
export function check(kind: Kind, object: Record<string, unknown>, where: string): void {
  const [mistake] = checkStructure(kind.schema, object)
  if (!mistake) return
  const { field, message } = mistake
  const value = field
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], object)
  throw new InputError(`${where} ${field}`.trim(), `${message}: current value is ${JSON.stringify(value)}`)
}

/** The object with its namespace, where it was left out. */
export function place(kind: Kind, object: KubeObject, namespaces: readonly string[]): KubeObject {
  if (kind.namespace === undefined || object.metadata.namespace) return object
  const namespace = kind.namespace || (namespaces[0] ?? 'kube-system')
  return { ...object, metadata: { ...object.metadata, namespace } }
}
