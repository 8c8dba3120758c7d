import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { isOf } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { ControllerDeps } from '../deps.ts'
import { hasMachine, readOrder } from './record.ts'

/**
 * Why a claim that nothing was ordered for must not be ordered for: its NodeGroup has, or will have by claims that go
 * before it, all it may have. Plans keep to the limits, but two leaders whose leads overlap may each have made one.
 * Undefined if there is room.
 */
export function surplusReason(
  { offers }: Pick<ControllerDeps, 'offers'>,
  claim: VPSieNode,
  nodeGroup: NodeGroup | undefined,
  claims: readonly VPSieNode[],
): string | undefined {
  if (!nodeGroup) return undefined
  const before = claims.filter(
    (other) => other !== claim && isOf(other, nodeGroup) && goesBefore(other, claim),
  )
  const { maxNodes, maxMonthlyCost } = nodeGroup.spec
  if (before.length >= maxNodes) return `the NodeGroup has ${before.length} of maxNodes ${maxNodes}`
  const price = ({ spec }: VPSieNode) =>
    offers.resolve(spec.instanceType, spec.datacenterID)?.monthlyPrice ?? 0
  const cost = before.reduce((sum, other) => sum + price(other), price(claim))
  return maxMonthlyCost !== undefined && cost > maxMonthlyCost + 1e-6
    ? `the NodeGroup would cost ${cost} of maxMonthlyCost ${maxMonthlyCost} a month`
    : undefined
}

/** What has a machine or may have one goes before; of the others the older, then the first by name. */
function goesBefore(other: VPSieNode, claim: VPSieNode): boolean {
  if (hasMachine(other) || readOrder(other) !== undefined) return true
  if (other.metadata.deletionTimestamp !== undefined || other.status?.phase === 'Failed') return false
  const born = ({ metadata }: VPSieNode) => metadata.creationTimestamp ?? ''
  return born(other) === born(claim) ? other.metadata.name < claim.metadata.name : born(other) < born(claim)
}
