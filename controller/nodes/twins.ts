import { nodesOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { Node } from '../../common/kube/objects.ts'
import type { ControllerDeps } from '../deps.ts'
import type { Machine } from '../vpsie/provider.ts'
import { patchClaim } from './claims.ts'
import { isVM } from './fleet.ts'
import { isHeld } from './hold.ts'
import type { ClusterView } from './machines.ts'
import { emptyNode } from './terminate.ts'

/**
 * Deletes a second plain VPS of a claim: an order that was thought lost was carried out after all, or a proxy has sent
 * one again. That it is ours is certain, because its host name is the claim's, which nobody else gives. The one of the
 * Node that the claim is known by is kept; a Node of the other one is emptied first, for pods may run there, too.
 * Workers of a cluster are named by VPSie, so there nothing is certain and nothing is deleted.
 */
export async function removeTwins(
  deps: ControllerDeps,
  claim: VPSieNode,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  const { vpsieNodeIdentifier: uuid } = claim.spec
  const { name, namespace } = claim.metadata
  const nodeGroup = deps.caches.nodeGroups.get(`${namespace}/${claim.spec.nodeGroupName}`)
  if (!isVM(claim) || !uuid || isHeld(deps, nodeGroup)) return
  const own = view.machines.find((machine) => machine.uuid === uuid)
  const twins = view.machines.filter(
    (machine) =>
      machine.hostname?.toLowerCase() === name && machine.uuid !== undefined && machine.uuid !== uuid,
  )
  if (!own || twins.length === 0) return
  const nodes = await view.nodes()
  const heir = heirOf(nodesOfClaim(nodes, claim), claim, own, twins)
  if (heir) return inherit(deps, claim, heir, signal)
  const grace = nodeGroup?.spec.drain?.maxPodGracePeriodSeconds ?? deps.options['max-pod-grace-period'] / 1000
  for (const twin of twins) {
    const message = `Machine ${twin.identity} was made by the same order as ${uuid} and is deleted`
    deps.events.record(claim, 'Warning', 'DuplicateMachine', message)
    if (!(await isEmptied(deps, claim, nodes, twin, grace, signal))) continue
    deps.log.warn('a second machine of a claim is deleted', { vpsieNode: name, machine: twin.identity })
    await view.fleet.remove(twin, signal)
  }
}

/** The twin that the claim's Node is of; undefined if it is of the claim's own machine, or there is none. */
function heirOf(
  nodes: readonly Node[],
  { status }: VPSieNode,
  own: Machine,
  twins: readonly Machine[],
): Machine | undefined {
  const known = nodes.filter(({ metadata }) => metadata.name === status?.nodeName)
  const told = known.length > 0 ? known : nodes
  return isNodeOf(told, own) ? undefined : twins.find((twin) => isNodeOf(told, twin))
}

async function isEmptied(
  deps: ControllerDeps,
  claim: VPSieNode,
  nodes: readonly Node[],
  twin: Machine,
  grace: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (const node of nodes.filter((one) => isNodeOf([one], twin))) {
    if (!(await emptyNode(deps, claim, node.metadata.name, grace, signal))) return false
  }
  return true
}

function isNodeOf(nodes: readonly Node[], { uuid, addresses }: Machine): boolean {
  return nodes.some(
    ({ spec, status }) =>
      (uuid !== undefined && spec?.providerID?.toLowerCase().endsWith(uuid.toLowerCase())) ||
      status?.addresses?.some(({ address }) => addresses.includes(address)),
  )
}

/** The claim takes the machine that its Node is of; the other one is the second from now on. */
async function inherit(
  deps: Pick<ControllerDeps, 'client' | 'log'>,
  claim: VPSieNode,
  heir: Machine,
  signal: AbortSignal,
): Promise<void> {
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
