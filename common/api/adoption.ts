import { annotations } from './names.ts'
import type { NodeGroup, NodeGroupSpec } from './nodegroup.ts'

/**
 * The fields the Go autoscaler accepted and never read (its v0.7). An upgrade must not set a running cluster in
 * motion, so they stay inactive on NodeGroups from its time until the owner says otherwise. Admission marks new
 * NodeGroups as adopted.
 */
const unread = [
  'scaleUpPolicy',
  'costOptimization',
  'multiRegion',
  'tags',
  'notes',
  'allowMixedInstances',
] as const

const unreadThresholds = ['cpuThreshold', 'memoryThreshold'] as const

/** Paths in the spec of all fields that stay inactive until they are adopted. */
export const inactiveBeforeAdoption: readonly string[] = [
  ...unread,
  ...unreadThresholds.map((name) => `scaleDownPolicy.${name}`),
]

/** True if every field of the NodeGroup is in effect. */
export function isAdopted(nodeGroup: NodeGroup): boolean {
  return nodeGroup.metadata.annotations?.[annotations.adoptSettings] === 'true'
}

/** Paths of the fields that are set but inactive, for the condition message and the admission warning. */
export function inactiveFields(nodeGroup: NodeGroup): string[] {
  if (isAdopted(nodeGroup)) return []
  const { spec } = nodeGroup
  return [
    ...unread.filter((name) => spec[name] !== undefined && matters(name, spec)).map((name) => `spec.${name}`),
    ...unreadThresholds
      .filter((name) => spec.scaleDownPolicy?.[name] !== undefined)
      .map((name) => `spec.scaleDownPolicy.${name}`),
  ]
}

// The API server fills in allowMixedInstances, so that alone is no wish of the owner.
function matters(name: (typeof unread)[number], spec: NodeGroupSpec): boolean {
  return (
    name !== 'allowMixedInstances' ||
    (spec.allowMixedInstances === true && (spec.offeringIDs?.length ?? 0) > 1)
  )
}

/**
 * The NodeGroup as it acts: a not yet adopted one without its inactive fields, and with nodes of one size only,
 * as the predecessor bought them. To be called before defaults are filled in.
 */
export function activeSettings(nodeGroup: NodeGroup): NodeGroup {
  if (isAdopted(nodeGroup)) return nodeGroup
  const spec: NodeGroupSpec = { ...nodeGroup.spec, allowMixedInstances: false }
  for (const name of unread) if (name !== 'allowMixedInstances') delete spec[name]
  if (spec.scaleDownPolicy) {
    spec.scaleDownPolicy = { ...spec.scaleDownPolicy }
    for (const name of unreadThresholds) delete spec.scaleDownPolicy[name]
  }
  return { ...nodeGroup, spec }
}
