import { inactiveFields } from '../../common/api/adoption.ts'
import { unknownFields } from '../../common/api/check.ts'
import { annotations, labels } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { nodeGroupSchema } from '../../common/api/nodegroup.ts'

type Spec = NodeGroup['spec']

/** Settings that VPSie's call for a managed worker does not take. */
const ofMachines = ['osImageID', 'sshKeyIDs', 'tags', 'notes'] as const

/** What is legal and has no effect, in a sentence for each, so that nobody waits for it to work. */
export function nodeGroupWarnings(nodeGroup: NodeGroup, isNew: boolean): string[] {
  const { spec, metadata } = nodeGroup
  const inactive = isNew ? [] : inactiveFields(nodeGroup)
  return [
    ...unknownFields(nodeGroupSchema, nodeGroup).map(
      (field) => `${field} is not a field of a NodeGroup and is dropped`,
    ),
    ...(metadata.labels?.[labels.managed] === 'true'
      ? []
      : [`label ${labels.managed} is not "true": the NodeGroup is not acted on`]),
    ...ofMachines
      .filter((name) => spec.provisioner !== 'vm' && isSet(spec[name]))
      .map((name) => `spec.${name} has no effect: VPSie sets up managed workers itself`),
    ...without(spec),
    ...(inactive.length > 0
      ? [`inactive until annotated ${annotations.adoptSettings}=true: ${inactive.join(', ')}`]
      : []),
  ]
}

function without({
  scaleUpPolicy,
  spotConfig,
  costOptimization,
  multiRegion,
  preferredInstanceType,
  offeringIDs,
}: Spec): string[] {
  const thresholds = (['cpuThreshold', 'memoryThreshold'] as const).filter(
    (name) => scaleUpPolicy?.[name] !== undefined,
  )
  return [
    ...thresholds.map(
      (name) => `spec.scaleUpPolicy.${name} has no effect: nodes are added for pods, not for load`,
    ),
    ...(spotConfig && !spotConfig.enabled
      ? ['spec.spotConfig has no effect: VPSie sells no spot machines']
      : []),
    ...(costOptimization?.enabled
      ? ['spec.costOptimization has no effect yet: nodes are removed, but not replaced by cheaper ones']
      : []),
    ...(multiRegion && !multiRegion.enabled && isSet(multiRegion.datacenterIDs)
      ? ['spec.multiRegion has no effect while it is not enabled']
      : []),
    ...(preferredInstanceType && offeringIDs?.length === 1
      ? ['spec.preferredInstanceType has no effect with one size']
      : []),
  ]
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0)
}
