import { type VPSieNode, vpsieNodeSpec } from '../../common/api/vpsienode.ts'
import type { Review, ReviewDeps } from '../paths.ts'
import { ratchet } from '../ratchet.ts'
import { violationsOf, warningsOf } from '../rule.ts'
import { join, read } from '../settings/settings.ts'
import { type Subject, vpsieNodeAdvice, vpsieNodeRules } from './rules.ts'

/** Holds a VPSieNode to its rules. The controller, which writes nearly all of them, is not asked. */
export const validateVPSieNode: Review = (deps, { object, oldObject }) => {
  const old = oldObject as VPSieNode | undefined
  const { violations, subject } = check(deps, object as VPSieNode, old)
  const before = old && { object: old, check: () => check(deps, old, undefined).violations }
  return {
    violations: ratchet(violations, object, before),
    warnings: warningsOf(vpsieNodeAdvice, subject),
  }
}

function check({ surroundings, namespaces }: ReviewDeps, claim: VPSieNode, old: VPSieNode | undefined) {
  const { value, structure } = read(vpsieNodeSpec, claim.spec, 'spec')
  const spec = value as VPSieNode['spec']
  const subject: Subject = { surroundings, namespaces, claim: { ...claim, spec }, spec, old }
  return { violations: join(structure, violationsOf(vpsieNodeRules, subject)), subject }
}
