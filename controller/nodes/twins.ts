import { nodesOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { Node } from '../../common/kube/objects.ts'
import type { ControllerDeps } from '../deps.ts'
import type { Machine } from '../vpsie/provider.ts'
import { patchClaim } from './claims.ts'
import { isVM } from './fleet.ts'
import { isHeld } from './hold.ts'
import type { ClusterView } from './machines.ts'

type TwinDeps = Pick<ControllerDeps, 'client' | 'caches' | 'events' | 'log'>

/**
 * Deletes a second plain VPS of a claim: an order that was thought lost was carried out after all, or a proxy has sent
 * one again. That it is ours is certain, because its host name is the claim's, which nobody else gives. The one that
 * the Node is of is kept, since pods may run there. Workers of a cluster are named by VPSie, so there nothing is
 * certain and nothing is deleted.
 */
export async function removeTwins(
  deps: TwinDeps,
  claim: VPSieNode,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  const { vpsieNodeIdentifier: uuid, nodeGroupName } = claim.spec
  const { name, namespace } = claim.metadata
  if (!isVM(claim) || !uuid || isHeld(deps, deps.caches.nodeGroups.get(`${namespace}/${nodeGroupName}`)))
    return
  const own = view.machines.find((machine) => machine.uuid === uuid)
  const twins = view.machines.filter(
    (machine) =>
      machine.hostname?.toLowerCase() === name && machine.uuid !== undefined && machine.uuid !== uuid,
  )
  if (!own || twins.length === 0) return
  const nodes = nodesOfClaim(await view.nodes(), claim)
  if (nodes.length > 0 && !isNodeOf(nodes, own)) {
    const heir = twins.find((twin) => isNodeOf(nodes, twin))
    if (heir) await inherit(deps, claim, heir, signal)
    return
  }
  for (const twin of twins.filter((one) => !isNodeOf(nodes, one))) {
    const message = `Machine ${twin.identity} was made by the same order as ${uuid} and is deleted`
    deps.events.record(claim, 'Warning', 'DuplicateMachine', message)
    deps.log.warn('a second machine of a claim is deleted', { vpsieNode: name, machine: twin.identity })
    await view.fleet.remove(twin, signal)
  }
}

function isNodeOf(nodes: readonly Node[], { uuid, addresses }: Machine): boolean {
  return nodes.some(
    ({ spec, status }) =>
      (uuid !== undefined && spec?.providerID?.toLowerCase().endsWith(uuid.toLowerCase())) ||
      status?.addresses?.some(({ address }) => addresses.includes(address)),
  )
}

/** The claim takes the machine that its Node is of; the other one is the second from now on. */
async function inherit(deps: TwinDeps, claim: VPSieNode, heir: Machine, signal: AbortSignal): Promise<void> {
  const [ipAddress] = heir.addresses
  const spec = {
    vpsieNodeIdentifier: heir.uuid,
    ...(heir.numericID === undefined ? {} : { vpsieInstanceID: heir.numericID }),
    ...(ipAddress ? { ipAddress } : {}),
  }
  await patchClaim(deps, claim, { spec }, undefined, signal)
  deps.log.warn('of two machines of a claim the one with the Node is kept', {
    vpsieNode: claim.metadata.name,
    machine: heir.identity,
  })
}
