import type { NodeGroup } from '../../common/api/nodegroup.ts'
import type { Review } from '../paths.ts'
import { ratchet } from '../ratchet.ts'
import { checkNodeGroup } from './checks.ts'
import { defaultNodeGroup } from './defaults.ts'
import { checkRelations } from './relations.ts'
import { nodeGroupWarnings } from './warnings.ts'

/** Fills in a NodeGroup; never refuses one. */
export const mutateNodeGroup: Review = ({ surroundings }, { object, operation }) => ({
  violations: [],
  warnings: [],
  patch: defaultNodeGroup(object as NodeGroup, surroundings.autoscalerConfig(), operation === 'CREATE'),
})

/** Holds a NodeGroup to all its rules, an update only to those it touches. */
export const validateNodeGroup: Review = ({ surroundings, namespaces }, { object, oldObject, operation }) => {
  const nodeGroup = object as NodeGroup
  const old = oldObject as NodeGroup | undefined
  const own = checkNodeGroup(nodeGroup)
  // Rules about the whole object need its parts to be there.
  const isWhole = typeof nodeGroup.spec === 'object' && nodeGroup.spec !== null
  const related = isWhole
    ? checkRelations(nodeGroup, old?.spec ? old : undefined, surroundings, namespaces)
    : { violations: [], warnings: [] }
  const before = old && {
    object: old,
    check: () => [
      ...checkNodeGroup(old),
      ...checkRelations(old, undefined, surroundings, namespaces).violations,
    ],
  }
  const warnings = isWhole ? nodeGroupWarnings(nodeGroup, operation === 'CREATE') : []
  return {
    violations: ratchet([...own, ...related.violations], nodeGroup, before),
    warnings: [...related.warnings, ...warnings],
  }
}
