import { type NodeGroup, nodeGroupSpec } from '../../common/api/nodegroup.ts'
import type { Review, ReviewDeps } from '../paths.ts'
import { ratchet } from '../ratchet.ts'
import { violationsOf, warningsOf } from '../rule.ts'
import { settingsRules } from '../settings/rules.ts'
import { join, read } from '../settings/settings.ts'
import { settingsAdvice } from '../settings/warnings.ts'
import { defaultNodeGroup } from './defaults.ts'
import { nodeGroupRules, type Subject } from './rules.ts'
import { nodeGroupAdvice } from './warnings.ts'

/** Fills in a NodeGroup; never refuses one. */
export const mutateNodeGroup: Review = ({ surroundings }, { object, operation }) => ({
  violations: [],
  warnings: [],
  patch: defaultNodeGroup(object as NodeGroup, surroundings.autoscalerConfig(), operation === 'CREATE'),
})

/** Holds a NodeGroup to all its rules, an update only to those it touches. */
export const validateNodeGroup: Review = (deps, { object, oldObject }) => {
  const old = oldObject as NodeGroup | undefined
  const { violations, subject } = check(deps, object as NodeGroup, old)
  const before = old && { object: old, check: () => check(deps, old, undefined).violations }
  return {
    violations: ratchet(violations, object, before),
    warnings: [...warningsOf(nodeGroupAdvice, subject), ...warningsOf(settingsAdvice, subject)],
  }
}

function check(deps: ReviewDeps, nodeGroup: NodeGroup, old: NodeGroup | undefined) {
  const { surroundings, namespaces } = deps
  const { value, structure } = read(nodeGroupSpec, nodeGroup.spec, 'spec')
  const spec = value as NodeGroup['spec']
  const known = { ...nodeGroup, spec }
  const subject: Subject = { surroundings, namespaces, nodeGroup: known, old, settings: spec, at: 'spec' }
  const found = [...violationsOf(settingsRules, subject), ...violationsOf(nodeGroupRules, subject)]
  return { violations: join(structure, found), subject }
}
