/**
 * The Kubernetes objects we read, as they are on the wire (times stay RFC 3339 text), cut down to the fields
 * somebody here reads. Field meanings: Kubernetes API reference v1.36.
 */

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  name: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
}

export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

/** metav1.Condition. */
export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  lastTransitionTime: string
  observedGeneration?: number
}

export type Quantities = Record<string, string | number>

export interface Taint {
  key: string
  value?: string
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
  timeAdded?: string
}

export interface Toleration {
  key?: string
  operator?: 'Exists' | 'Equal'
  value?: string
  effect?: string
  tolerationSeconds?: number
}

export interface SelectorRequirement {
  key: string
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'
  values?: string[]
}

export interface LabelSelector {
  matchLabels?: Record<string, string>
  matchExpressions?: SelectorRequirement[]
}

export interface NodeSelectorTerm {
  matchExpressions?: SelectorRequirement[]
  matchFields?: SelectorRequirement[]
}

export interface PodAffinityTerm {
  labelSelector?: LabelSelector
  topologyKey: string
  namespaces?: string[]
  namespaceSelector?: LabelSelector
  matchLabelKeys?: string[]
  mismatchLabelKeys?: string[]
}

export interface PodAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[]
}

export interface Affinity {
  nodeAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeSelectorTerm[] }
  }
  podAffinity?: PodAffinity
  podAntiAffinity?: PodAffinity
}

export interface TopologySpreadConstraint {
  maxSkew: number
  topologyKey: string
  whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway'
  labelSelector?: LabelSelector
  minDomains?: number
  nodeAffinityPolicy?: 'Honor' | 'Ignore'
  nodeTaintsPolicy?: 'Honor' | 'Ignore'
  matchLabelKeys?: string[]
}

export interface ResourceRequirements {
  requests?: Quantities
  limits?: Quantities
}

export interface Container {
  name: string
  image?: string
  resources?: ResourceRequirements
  ports?: { containerPort?: number; hostPort?: number; hostIP?: string; protocol?: string }[]
  restartPolicy?: 'Always'
}

export interface Volume {
  name: string
  emptyDir?: { medium?: string; sizeLimit?: string | number }
  hostPath?: { path: string }
  persistentVolumeClaim?: { claimName: string }
  ephemeral?: { volumeClaimTemplate?: unknown }
  [source: string]: unknown
}

export interface PodSpec {
  nodeName?: string
  containers: Container[]
  initContainers?: Container[]
  overhead?: Quantities
  resources?: ResourceRequirements
  nodeSelector?: Record<string, string>
  affinity?: Affinity
  tolerations?: Toleration[]
  topologySpreadConstraints?: TopologySpreadConstraint[]
  schedulingGates?: { name: string }[]
  resourceClaims?: { name: string }[]
  priority?: number
  priorityClassName?: string
  preemptionPolicy?: string
  schedulerName?: string
  hostNetwork?: boolean
  serviceAccountName?: string
  terminationGracePeriodSeconds?: number
  volumes?: Volume[]
}

export interface PodCondition {
  type: string
  status: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

export interface Pod extends KubeObject {
  spec: PodSpec
  status?: {
    phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'
    conditions?: PodCondition[]
    startTime?: string
    nominatedNodeName?: string
    podIP?: string
  }
}

export interface Node extends KubeObject {
  spec?: { providerID?: string; unschedulable?: boolean; taints?: Taint[]; podCIDR?: string }
  status?: {
    capacity?: Quantities
    allocatable?: Quantities
    conditions?: {
      type: string
      status: string
      reason?: string
      message?: string
      lastTransitionTime?: string
      lastHeartbeatTime?: string
    }[]
    addresses?: { type: string; address: string }[]
    nodeInfo?: { kubeletVersion?: string; bootID?: string; machineID?: string }
  }
}

export interface DaemonSet extends KubeObject {
  spec: { selector: LabelSelector; template: { metadata?: Partial<ObjectMeta>; spec: PodSpec } }
}

/** ReplicaSet, StatefulSet, ReplicationController and Job: what removal rules ask of a pod's owner. */
export interface Workload extends KubeObject {
  spec: { replicas?: number; parallelism?: number; selector?: LabelSelector }
}

export interface PodDisruptionBudget extends KubeObject {
  spec: {
    selector?: LabelSelector | null
    minAvailable?: number | string
    maxUnavailable?: number | string
    unhealthyPodEvictionPolicy?: 'IfHealthyBudget' | 'AlwaysAllow'
  }
  status?: {
    disruptionsAllowed?: number
    currentHealthy?: number
    desiredHealthy?: number
    expectedPods?: number
    observedGeneration?: number
  }
}

export interface PriorityClass extends KubeObject {
  value: number
  globalDefault?: boolean
}

export interface Namespace extends KubeObject {
  status?: { phase?: string }
}

export interface PersistentVolumeClaim extends KubeObject {
  spec: { volumeName?: string; storageClassName?: string; accessModes?: string[] }
  status?: { phase?: string }
}

export interface PersistentVolume extends KubeObject {
  spec: {
    local?: unknown
    hostPath?: unknown
    csi?: { driver: string }
    nodeAffinity?: { required?: { nodeSelectorTerms: NodeSelectorTerm[] } }
  }
}

export interface StorageClass extends KubeObject {
  provisioner: string
  volumeBindingMode?: 'Immediate' | 'WaitForFirstConsumer'
  allowedTopologies?: { matchLabelExpressions?: { key: string; values: string[] }[] }[]
}

export interface CSINode extends KubeObject {
  spec: { drivers: { name: string; nodeID: string; allocatable?: { count?: number } }[] }
}

export interface Secret extends KubeObject {
  type?: string
  data?: Record<string, string>
}

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>
}

export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

export interface CustomResourceDefinition extends KubeObject {
  spec: {
    conversion?: {
      strategy: 'None' | 'Webhook'
      webhook?: { clientConfig?: { caBundle?: string; [field: string]: unknown } }
    }
  }
}

export interface WebhookConfiguration extends KubeObject {
  webhooks?: {
    name: string
    clientConfig: {
      caBundle?: string
      url?: string
      service?: { name: string; namespace: string; path?: string; port?: number }
    }
  }[]
}
