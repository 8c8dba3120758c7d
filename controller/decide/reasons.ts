/**
 * Every reason code a plan can hold. They are an interface: dashboards, alerts and scripts match on them, so a
 * code is never renamed. Fit codes are the names of kube-scheduler's plugins.
 */
export const fitReasons = [
  'NodeResourcesFit',
  'TaintToleration',
  'NodeAffinity',
  'NodeName',
  'NodeUnschedulable',
  'InterPodAffinity',
  'PodTopologySpread',
  'NodePorts',
  'VolumeZone',
  'VolumeBinding',
  'NodeVolumeLimits',
  'VolumeRestrictions',
  'SchedulingGates',
  'DynamicResources',
] as const

/** Why a pod that waits gets no machine. */
export const podReasons = [
  'NotUnschedulable',
  'Expendable',
  'TooYoung',
  'NoGroupFits',
  'GroupAtMax',
  'ClusterAtMax',
  'CostLimit',
  'BackedOff',
  'DryRun',
  'PlanIncomplete',
] as const

/** Why a node stays. */
export const keepReasons = [
  'NotManaged',
  'ControlPlane',
  'Protected',
  'ScaleDownDisabled',
  'AboveThreshold',
  'UsageHigh',
  'UsageUnknown',
  'MemoryPressure',
  'NotUnneededLongEnough',
  'TooYoung',
  'Cooldown',
  'AtMin',
  'PodNotReplicated',
  'PodSafeToEvictFalse',
  'PodDoNotDisrupt',
  'PodLocalStorage',
  'PodKubeSystem',
  'PodCustomController',
  'PodMinReplicas',
  'PodDisruptionBudget',
  'NoPlaceToMove',
  'UpcomingPods',
  'BudgetExhausted',
  'OutsideWindow',
  'ClusterUnhealthy',
  'Paused',
  'AwaitingApproval',
  'Oscillation',
] as const

/** Why a node goes. */
export const removeReasons = ['Empty', 'Underused', 'Replaced', 'NeverRegistered', 'Dead'] as const

/** What else a pod, node or group can be told. */
export const otherReasons = [
  'Bound',
  'FitsExisting',
  'FitsUpcoming',
  'NewNode',
  'AlreadyLeaving',
  'BelowMin',
  'ScaleUp',
  'Steady',
  'AtMax',
  'InvalidObject',
] as const

export type FitReason = (typeof fitReasons)[number]
export type KeepReason = (typeof keepReasons)[number]
export type ReasonCode =
  | FitReason
  | KeepReason
  | (typeof podReasons)[number]
  | (typeof removeReasons)[number]
  | (typeof otherReasons)[number]
