/**
 * Every reason code a plan can hold, with what it says in general. They are an interface: dashboards, alerts and
 * scripts match on them, so a code is never renamed. Fit codes are the names of kube-scheduler's plugins.
 */
export const fitReasons = {
  NodeResourcesFit: 'The node has too little of a resource, or no pod slot left.',
  TaintToleration: 'The pod does not tolerate a taint of the node.',
  NodeAffinity: 'The node lacks a label that the node selector or the required node affinity asks for.',
  NodeName: 'The pod names another node.',
  NodeUnschedulable: 'The node is cordoned.',
  InterPodAffinity:
    'A required affinity is not met, or an anti-affinity, of the pod or of one that runs, forbids it.',
  PodTopologySpread: 'A hard spread constraint would be broken.',
  NodePorts: 'A host port is taken.',
  VolumeZone: 'A volume is in another zone or region.',
  VolumeBinding: 'A volume cannot be reached or made there, or its claim is missing.',
  NodeVolumeLimits: 'The node can attach no more volumes of a driver.',
  VolumeRestrictions: 'A volume may be used by one pod at a time.',
  SchedulingGates: 'The pod waits for a scheduling gate.',
  DynamicResources: 'The pod asks for resource claims, which are not decided here.',
} as const

/** Why a pod that waits gets no machine. */
export const podReasons = {
  NotUnschedulable: 'kube-scheduler has not said that the pod fits nowhere, or the pod needs no place.',
  Expendable: 'Its priority is below --expendable-pods-priority-cutoff.',
  TooYoung: 'It has not waited as long as the cluster, its group or the pod itself asks.',
  NoGroupFits: 'No NodeGroup sells a node that could hold it. The reasons after it say what each lacks.',
  GroupAtMax: 'The group may not grow: it has maxNodes nodes, or growth is switched off.',
  ClusterAtMax: 'All groups together have maxClusterWorkers nodes, or one decision has bought its most.',
  CostLimit: 'maxMonthlyCost of the group or --max-monthly-cost would be exceeded.',
  BackedOff: 'VPSie has refused the size there lately, or does not sell it.',
  DryRun: 'The group is a rehearsal (dryRun): the message says what would be done.',
  PlanIncomplete: 'The decision ended at --max-decision-steps before it came to this; the next one goes on.',
} as const

/** Why a node stays. */
export const keepReasons = {
  NotManaged: 'The node belongs to no NodeGroup.',
  ControlPlane: 'It is a node of the control plane.',
  Protected: 'An annotation on the node protects it.',
  ScaleDownDisabled: 'Removal is switched off for the node, its group or the controller.',
  AboveThreshold: 'More is requested on it than the thresholds of its group allow.',
  UsageHigh: 'Its agent reports more use than the thresholds allow.',
  UsageUnknown: 'Its agent has not reported for enough of the window.',
  MemoryPressure: 'Its agent reports that work waited for memory.',
  NotUnneededLongEnough: 'It has not been unneeded, or not ready, for the whole window yet.',
  TooYoung: 'It is younger than disruption.minNodeAgeSeconds, or still starting.',
  Cooldown: 'The group has changed its size lately, or grows in this plan.',
  AtMin: 'Its group would fall below minNodes.',
  PodNotReplicated: 'A pod on it has no controller that would make it again.',
  PodSafeToEvictFalse: 'A pod on it has the safe-to-evict annotation with false.',
  PodDoNotDisrupt: 'A pod on it has the do-not-disrupt annotation.',
  PodLocalStorage: 'A pod on it keeps data on the node.',
  PodKubeSystem: 'A pod of kube-system without a PodDisruptionBudget is on it.',
  PodCustomController: 'A pod on it is controlled by a kind that is not known to make it again.',
  PodMinReplicas: 'A pod on it is of a controller with fewer replicas than drain.minReplicas.',
  PodDisruptionBudget: 'A PodDisruptionBudget does not allow the evictions, those of other removals counted.',
  NoPlaceToMove: 'A pod on it fits on no other node.',
  UpcomingPods: 'Pods are to be put on it.',
  BudgetExhausted: 'As many nodes are leaving, down or growing as may be at once.',
  OutsideWindow: 'Removals are not allowed at this time.',
  ClusterUnhealthy: 'Too many nodes of the cluster are not ready.',
  Paused: 'globalSettings.paused of the AutoscalerConfig is true.',
  AwaitingApproval: 'A replacement waits for the annotation that approves it.',
  Oscillation: 'The group has added and removed the size twice within an hour.',
} as const

/** Why a node goes. */
export const removeReasons = {
  Empty: 'Nothing runs on it that would have to move.',
  Underused: 'Little runs on it, and all of it has a place elsewhere.',
  Replaced: 'Cheaper nodes take its place.',
  NeverRegistered: 'The machine has not become a Node in time.',
  Dead: 'The node has not been ready for --scale-down-unready-time.',
} as const

/** What else a pod, node or group can be told. */
export const otherReasons = {
  Bound: 'The pod has its node.',
  FitsExisting: 'The pod fits on a node as it is; kube-scheduler will put it there.',
  FitsUpcoming: 'The pod fits on a node that is on its way.',
  NewNode: 'A node is bought for the pod.',
  AlreadyLeaving: 'The removal of the node has begun.',
  BelowMin: 'The group has fewer nodes than minNodes.',
  ScaleUp: 'The group grows for pods.',
  Headroom: 'The group grows to keep its headroom.',
  Steady: 'The group needs no change.',
  AtMax: 'The group has maxNodes nodes.',
  InvalidObject: 'The object cannot be understood; the message names the field and its value.',
} as const

export type FitReason = keyof typeof fitReasons
export type KeepReason = keyof typeof keepReasons
export type ReasonCode =
  | FitReason
  | KeepReason
  | keyof typeof podReasons
  | keyof typeof removeReasons
  | keyof typeof otherReasons
