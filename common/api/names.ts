/**
 * Every name that users, manifests and the programs share on a cluster. They are an interface: none is renamed.
 * Those of the Go autoscaler vpsieinc/vpsie-k8s-autoscaler (v0.7) are kept, so its objects and manifests go on.
 */

export const group = 'autoscaler.vpsie.com'
export const version = 'v1alpha1'
export const apiVersion = `${group}/${version}`

/** The namespace our objects live in unless `--namespaces` says otherwise. */
export const defaultNamespace = 'kube-system'

/** The one AutoscalerConfig that is read. */
export const configName = 'default'

/** NodeGroup names become label values (at most 63 characters) and prefixes of VPSieNode names (`<group>-<8>`). */
export const maxNodeGroupName = 54

export const labels = {
  /** `true` on a NodeGroup: the controller acts on it. `true` on a Node: it came from us. */
  managed: `${group}/managed`,
  nodeGroup: `${group}/nodegroup`,
  vpsieNode: `${group}/vpsienode`,
  datacenter: `${group}/datacenter`,
  offering: `${group}/offering`,
  /** `true` on a Node: never removed. */
  scaleDownDisabled: `${group}/scale-down-disabled`,
} as const

export const annotations = {
  // The predecessor's.
  creationRequested: `${group}/creation-requested`,
  creationReason: `${group}/creation-reason`,
  vpsID: `${group}/vps-id`,
  /** `true` on a Node: never removed. */
  protected: `${group}/protected`,
  /** `disabled` on a Node: never removed. */
  scaleDown: `${group}/scale-down`,
  /** `HH:MM-HH:MM` on a Node: removed only within. */
  scaleDownAllowedHours: `${group}/scale-down-allowed-hours`,
  drainStartTime: `${group}/drain-start-time`,
  drainStatus: `${group}/drain-status`,

  // A VPSieNode's record of its order. Written before the paid call, read by whoever leads next.
  /** RFC 3339: when the add call of the current attempt was about to be sent. */
  requestedAt: `${group}/requested-at`,
  /** Decimal, from 1: how often an add call was about to be sent. */
  addAttempt: `${group}/add-attempt`,
  /** Marks of the cluster's machines just before the add call, 8 characters each (controller/nodes/baseline.ts). */
  baseline: `${group}/baseline`,
  /** Present once VPSie accepted the order: what its reply told of the machine, `uuid=`, `id=`, `name=`, if anything. */
  addAccepted: `${group}/add-accepted`,
  /** RFC 3339: since when VPSie's lists have shown no machine of this VPSieNode. */
  absentSince: `${group}/absent-since`,
  /** `vm` on a VPSieNode whose machine is a plain VPS. */
  provisioner: `${group}/provisioner`,
  /** Why the machine was ordered: a reason code of the decision. */
  orderedFor: `${group}/ordered-for`,
  /** Names of the Nodes this machine is to replace, separated by commas. */
  replaces: `${group}/replaces`,

  // On a Node.
  /** RFC 3339: since when the node has been unneeded without a break. */
  unneededSince: `${group}/unneeded-since`,
  /** `true`: the startup taints of its group were put on, and are not put on again. */
  startupTaintsApplied: `${group}/startup-taints-applied`,

  // Said by people.
  /** `true` on a VPSieNode: delete its machine without waiting for PodDisruptionBudgets. */
  forceDelete: `${group}/force-delete`,
  /** `orphan` on a NodeGroup: deleting it leaves machines and Nodes as they are. */
  onDelete: `${group}/on-delete`,
  /** `true` on a NodeGroup: fields that had no effect under the predecessor take effect. */
  adoptSettings: `${group}/adopt-settings`,
  /** On a NodeGroup: the name of the replacement plan that may go ahead. */
  approve: `${group}/approve`,
} as const

export const finalizers = {
  nodeGroup: `nodegroup.${group}/finalizer`,
  vpsieNode: `vpsienode.${group}/finalizer`,
} as const

export const taints = {
  /** NoSchedule, on a node that is being removed by us. */
  disrupted: `${group}/disrupted`,
} as const

export const nodeGroupConditions = [
  'Ready',
  'Scaling',
  'AtMinCapacity',
  'AtMaxCapacity',
  'Backoff',
  'Error',
] as const
export type NodeGroupCondition = (typeof nodeGroupConditions)[number]

export const vpsieNodeConditions = ['VPSReady', 'NodeJoined', 'NodeReady', 'Error'] as const
export type VPSieNodeCondition = (typeof vpsieNodeConditions)[number]

/** Kubernetes' own labels that we read or put on Nodes. */
export const wellKnown = {
  hostname: 'kubernetes.io/hostname',
  instanceType: 'node.kubernetes.io/instance-type',
  zone: 'topology.kubernetes.io/zone',
  region: 'topology.kubernetes.io/region',
  controlPlane: 'node-role.kubernetes.io/control-plane',
  /** The control plane's label before Kubernetes 1.24. */
  master: 'node-role.kubernetes.io/master',
} as const
