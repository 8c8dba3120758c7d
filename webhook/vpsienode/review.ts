import { checkStructure } from '../../common/api/check.ts'
import { forbidden, required, unsupported, type Violation } from '../../common/api/violation.ts'
import { type VPSieNode, vpsieNodeSchema } from '../../common/api/vpsienode.ts'
import type { Review } from '../paths.ts'
import { ratchet } from '../ratchet.ts'

/** What says which machine is whose. A person who changed it could make us delete another one. */
const identity = [
  'nodeGroupName',
  'instanceType',
  'datacenterID',
  'resourceIdentifier',
  'vpsieInstanceID',
  'vpsieNodeIdentifier',
] as const

/** Holds a VPSieNode to its rules. The controller, which writes nearly all of them, is not asked. */
export const validateVPSieNode: Review = ({ surroundings, namespaces }, { object, oldObject }) => {
  const claim = object as VPSieNode
  const old = oldObject as VPSieNode | undefined
  const groups = surroundings.nodeGroups()
  const name = claim.spec?.nodeGroupName
  const isKnown = groups?.some(
    ({ metadata }) => metadata.name === name && metadata.namespace === claim.metadata.namespace,
  )
  const before = old && { object: old, check: () => checkClaim(old, namespaces) }
  return {
    violations: [
      ...ratchet(checkClaim(claim, namespaces), claim, before),
      ...(old ? checkIdentity(claim, old) : []),
    ],
    warnings:
      isKnown === false && name
        ? [`there is no NodeGroup "${name}" in namespace ${claim.metadata.namespace}`]
        : [],
  }
}

function checkClaim(claim: VPSieNode, namespaces: readonly string[]): Violation[] {
  const { namespace = '' } = claim.metadata
  const empty = (['resourceIdentifier', 'project'] as const).filter((name) => claim.spec?.[name] === '')
  return [
    ...checkStructure(vpsieNodeSchema, claim),
    ...(namespaces.includes(namespace) ? [] : [unsupported('metadata.namespace', namespace, namespaces)]),
    ...empty.map((name) => required(`spec.${name}`)),
  ]
}

function checkIdentity(claim: VPSieNode, old: VPSieNode): Violation[] {
  return identity
    .filter((name) => isKnown(old.spec?.[name]) && claim.spec?.[name] !== old.spec[name])
    .map((name) =>
      forbidden(`spec.${name}`, `cannot change: it says which machine this is, now "${old.spec[name]}"`),
    )
}

function isKnown(value: unknown): boolean {
  return value !== undefined && value !== '' && value !== 0
}
