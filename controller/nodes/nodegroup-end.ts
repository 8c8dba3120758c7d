import { annotations, finalizers } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { isOf } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { keyOf, resources } from '../../common/kube/resources.ts'
import { budgetOf } from '../decide/budgets.ts'
import type { ControllerDeps } from '../deps.ts'
import { nameOf } from './claims.ts'
import { isHeld } from './hold.ts'

type EndDeps = Pick<ControllerDeps, 'client' | 'caches' | 'events' | 'log'>

/**
 * Keeps a NodeGroup from vanishing while it has machines. A live one gets the finalizer; one that is being deleted
 * gives up its claims, no more at once than its disruption budget allows, and goes when the last is gone.
 * With annotation `on-delete=orphan` the claims go at once and leave machines and Nodes as they are.
 */
export async function guardNodeGroup(
  deps: EndDeps,
  nodeGroup: NodeGroup,
  claims: readonly VPSieNode[],
  signal: AbortSignal,
): Promise<void> {
  const present = nodeGroup.metadata.finalizers ?? []
  const guarded = present.includes(finalizers.nodeGroup)
  if (nodeGroup.metadata.deletionTimestamp === undefined) {
    if (!guarded) await patchFinalizers(deps, nodeGroup, [...present, finalizers.nodeGroup], signal)
    return
  }
  if (!guarded) return
  const own = claims.filter((claim) => isOf(claim, nodeGroup))
  if (own.length === 0) {
    // A cache that lags may not know the last claim yet; without the NodeGroup it would have no owner.
    if (await hasClaims(deps, nodeGroup, signal)) return
    await patchFinalizers(
      deps,
      nodeGroup,
      present.filter((finalizer) => finalizer !== finalizers.nodeGroup),
      signal,
    )
    deps.log.info('NodeGroup released', { nodeGroup: keyOf(nodeGroup) })
    return
  }
  if (!isHeld(deps, nodeGroup)) await deleteSome(deps, nodeGroup, own, signal)
}

async function hasClaims({ client }: EndDeps, nodeGroup: NodeGroup, signal: AbortSignal): Promise<boolean> {
  const { namespace } = nodeGroup.metadata
  const { items } = await client.list(resources.vpsieNodes, namespace ? { namespace } : {}, signal)
  return items.some((claim) => isOf(claim, nodeGroup))
}

async function deleteSome(
  deps: EndDeps,
  nodeGroup: NodeGroup,
  claims: readonly VPSieNode[],
  signal: AbortSignal,
): Promise<void> {
  const orphan = nodeGroup.metadata.annotations?.[annotations.onDelete] === 'orphan'
  const leaving = claims.filter((claim) => claim.metadata.deletionTimestamp !== undefined)
  const room = orphan ? claims.length : Math.max(1, budgetOf(nodeGroup, claims.length)) - leaving.length
  const next = claims
    .filter((claim) => claim.metadata.deletionTimestamp === undefined)
    .slice(0, Math.max(0, room))
  for (const claim of next) {
    const { uid } = claim.metadata
    await deps.client.delete(resources.vpsieNodes, nameOf(claim), uid ? { uid } : {}, signal)
    deps.events.record(
      nodeGroup,
      'Normal',
      'NodeRemoved',
      `Deleted VPSieNode ${claim.metadata.name}, because the NodeGroup is being deleted`,
    )
  }
}

// A merge patch replaces the whole list, so it is only sent against the version that was read.
async function patchFinalizers(
  deps: EndDeps,
  nodeGroup: NodeGroup,
  list: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { resourceVersion } = nodeGroup.metadata
  const patch = { metadata: { finalizers: list.length > 0 ? list : null } }
  await deps.client.patch(
    resources.nodeGroups,
    nameOf(nodeGroup),
    patch,
    resourceVersion ? { resourceVersion } : {},
    signal,
  )
}
