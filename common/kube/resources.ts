import type { AutoscalerConfig } from '../api/autoscalerconfig.ts'
import type { NodeGroup } from '../api/nodegroup.ts'
import type { VPSieNode } from '../api/vpsienode.ts'
import type * as k from './objects.ts'

/** Where a kind lives in the API. The type parameter is the shape of its objects and exists at compile time only. */
export interface Resource<T extends k.KubeObject> {
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  readonly shape?: T
}

function resource<T extends k.KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  namespaced = true,
): Resource<T> {
  return { apiVersion, kind, plural, namespaced }
}

const own = 'autoscaler.vpsie.com/v1alpha1'

/** Every kind the programs read or write. */
export const resources = {
  nodeGroups: resource<NodeGroup>(own, 'NodeGroup', 'nodegroups'),
  vpsieNodes: resource<VPSieNode>(own, 'VPSieNode', 'vpsienodes'),
  autoscalerConfigs: resource<AutoscalerConfig>(own, 'AutoscalerConfig', 'autoscalerconfigs', false),
  nodes: resource<k.Node>('v1', 'Node', 'nodes', false),
  pods: resource<k.Pod>('v1', 'Pod', 'pods'),
  namespaces: resource<k.Namespace>('v1', 'Namespace', 'namespaces', false),
  secrets: resource<k.Secret>('v1', 'Secret', 'secrets'),
  configMaps: resource<k.ConfigMap>('v1', 'ConfigMap', 'configmaps'),
  events: resource<k.KubeObject>('v1', 'Event', 'events'),
  persistentVolumeClaims: resource<k.PersistentVolumeClaim>(
    'v1',
    'PersistentVolumeClaim',
    'persistentvolumeclaims',
  ),
  persistentVolumes: resource<k.PersistentVolume>('v1', 'PersistentVolume', 'persistentvolumes', false),
  replicationControllers: resource<k.Workload>('v1', 'ReplicationController', 'replicationcontrollers'),
  daemonSets: resource<k.DaemonSet>('apps/v1', 'DaemonSet', 'daemonsets'),
  replicaSets: resource<k.Workload>('apps/v1', 'ReplicaSet', 'replicasets'),
  statefulSets: resource<k.Workload>('apps/v1', 'StatefulSet', 'statefulsets'),
  jobs: resource<k.Workload>('batch/v1', 'Job', 'jobs'),
  podDisruptionBudgets: resource<k.PodDisruptionBudget>(
    'policy/v1',
    'PodDisruptionBudget',
    'poddisruptionbudgets',
  ),
  priorityClasses: resource<k.PriorityClass>(
    'scheduling.k8s.io/v1',
    'PriorityClass',
    'priorityclasses',
    false,
  ),
  storageClasses: resource<k.StorageClass>('storage.k8s.io/v1', 'StorageClass', 'storageclasses', false),
  csiNodes: resource<k.CSINode>('storage.k8s.io/v1', 'CSINode', 'csinodes', false),
  leases: resource<k.Lease>('coordination.k8s.io/v1', 'Lease', 'leases'),
  customResourceDefinitions: resource<k.CustomResourceDefinition>(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    'customresourcedefinitions',
    false,
  ),
  validatingWebhookConfigurations: resource<k.WebhookConfiguration>(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
    false,
  ),
  mutatingWebhookConfigurations: resource<k.WebhookConfiguration>(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
    false,
  ),
} as const

/** A namespaced object's `namespace/name`, a cluster object's `name`: how users write it and how we key it. */
export function keyOf(object: k.KubeObject): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

/** The API path of a collection, or of one object if `name` is given. */
export function pathOf(
  resource: Resource<k.KubeObject>,
  namespace?: string,
  name?: string,
  subresource?: string,
): string {
  const root = resource.apiVersion.includes('/') ? '/apis/' : '/api/'
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  const object = name ? `/${encodeURIComponent(name)}` : ''
  return `${root}${resource.apiVersion}${scope}/${resource.plural}${object}${subresource ? `/${subresource}` : ''}`
}
