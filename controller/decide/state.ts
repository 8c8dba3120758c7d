import type { AutoscalerConfig } from '../../common/api/autoscalerconfig.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type * as k from '../../common/kube/objects.ts'

/** A size VPSie sells. `name` is what labels, `VPSieNode.spec.instanceType` and plans hold. */
export interface Offering {
  name: string
  /** VPSie's decimal id (the `KubeSizeID`) and identifier, where known: a NodeGroup may name either. */
  id?: string
  identifier?: string
  cpuMillicores: number
  memoryBytes: number
  diskBytes: number
  /** Pod slots; the kubelet's 110 unless known better. */
  pods: number
  /** In the account's currency, per month of 730 hours. */
  monthlyPrice: number
  /** Where it is sold; undefined means everywhere. */
  datacenterID?: string
  available: boolean
  /** Extended resources by name, in units. */
  extended: Readonly<Record<string, number>>
  /** What a node of this size really offers, where known; overrides our own estimate. */
  allocatable?: k.Quantities
}

/** What the agent of one node has reported over the removal window. */
export interface NodeUsage {
  node: string
  /** Mean share of allocatable in percent. */
  cpuPercent: number
  memoryPercent: number
  /** PSI memory `full` share 0–1, where the kernel has it. */
  memoryFull?: number
  /** Share of the window covered by fresh reports, 0–1. */
  coverage: number
  /** Since when both figures have been at or below the group's thresholds; milliseconds since the epoch. */
  since: number
}

/** An offering that VPSie refused for stock or quota, and until when it is left alone. */
export interface Backoff {
  offering: string
  datacenterID: string
  /** Milliseconds since the epoch. */
  until: number
  reason: string
}

/**
 * Everything a decision depends on. Objects are as the API server sent them and must not be changed: they are
 * shared with the watch caches.
 */
export interface ClusterState {
  readonly nodes: readonly k.Node[]
  readonly pods: readonly k.Pod[]
  readonly daemonSets: readonly k.DaemonSet[]
  /** ReplicaSet, StatefulSet, ReplicationController, Job. */
  readonly workloads: readonly k.Workload[]
  readonly podDisruptionBudgets: readonly k.PodDisruptionBudget[]
  readonly persistentVolumeClaims: readonly k.PersistentVolumeClaim[]
  readonly persistentVolumes: readonly k.PersistentVolume[]
  readonly storageClasses: readonly k.StorageClass[]
  readonly csiNodes: readonly k.CSINode[]
  readonly priorityClasses: readonly k.PriorityClass[]
  readonly namespaces: readonly k.Namespace[]
  readonly nodeGroups: readonly NodeGroup[]
  readonly vpsieNodes: readonly VPSieNode[]
  readonly autoscalerConfig: AutoscalerConfig | undefined
  readonly offerings: readonly Offering[]
  /** By node name. Undefined: usage is not considered at all (`--usage=off`). */
  readonly usage: ReadonlyMap<string, NodeUsage> | undefined
  readonly backoffs: readonly Backoff[]
}
