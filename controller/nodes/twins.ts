import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { ControllerDeps } from '../deps.ts'
import { isVM } from './fleet.ts'
import { isHeld } from './hold.ts'
import type { ClusterView } from './machines.ts'

/**
 * Deletes a second plain VPS of a claim: an order that was thought lost was carried out after all. That it is ours is
 * certain, because its host name is the claim's, which nobody else gives. Workers of a cluster are named by VPSie, so
 * there nothing is certain and nothing is deleted.
 */
export async function removeTwins(
  { caches, events, log }: Pick<ControllerDeps, 'caches' | 'events' | 'log'>,
  claim: VPSieNode,
  { fleet, machines }: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  const { vpsieNodeIdentifier: uuid, nodeGroupName } = claim.spec
  const { name, namespace } = claim.metadata
  if (!isVM(claim) || !uuid || isHeld({ caches }, caches.nodeGroups.get(`${namespace}/${nodeGroupName}`)))
    return
  if (!machines.some((machine) => machine.uuid === uuid)) return
  const twins = machines.filter(
    (machine) =>
      machine.hostname?.toLowerCase() === name && machine.uuid !== undefined && machine.uuid !== uuid,
  )
  for (const twin of twins) {
    const message = `Machine ${twin.identity} was made by the same order as ${uuid} and is deleted`
    events.record(claim, 'Warning', 'DuplicateMachine', message)
    log.warn('a second machine of a claim is deleted', { vpsieNode: name, machine: twin.identity })
    await fleet.remove(twin, signal)
  }
}
