import { identitiesOf, identitiesOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { ControllerDeps } from '../deps.ts'
import type { Machine } from '../vpsie/provider.ts'
import { type Adoption, adopt, type WaitingClaim } from './adopt.ts'
import { hasMachine, readOrder } from './record.ts'

/** One VPSie cluster as a pass sees it: its claims, and its machines by one fresh list. */
export interface ClusterView {
  clusterID: string
  claims: readonly VPSieNode[]
  machines: readonly Machine[]
  /** Identities that some claim owns. */
  owned: ReadonlySet<string>
  /**
   * Set when the list lacks more of our ready machines than can be believed at once; such a list proves no
   * machine gone. See "stale cloud data" in kubernetes/autoscaler issue 2386.
   */
  suspicious: boolean
}

/** Lists the machines of a cluster and sets them beside its claims. Rejects if the list cannot be had. */
export async function viewCluster(
  deps: Pick<ControllerDeps, 'provider'>,
  clusterID: string,
  claims: readonly VPSieNode[],
  signal: AbortSignal,
): Promise<ClusterView> {
  const machines = await deps.provider.listMachines(clusterID, signal)
  const owned = new Set(claims.flatMap(identitiesOfClaim))
  return { clusterID, claims, machines, owned, suspicious: shrankSharply(claims, machines) }
}

// One missing machine among few is normal life; a fifth of the ready ones at once is a broken list until proven.
function shrankSharply(claims: readonly VPSieNode[], machines: readonly Machine[]): boolean {
  const listed = new Set(machines.flatMap(identitiesOf))
  const ready = claims.filter(
    (claim) => claim.status?.phase === 'Ready' && claim.metadata.deletionTimestamp === undefined,
  )
  const missing = ready.filter((claim) => !identitiesOfClaim(claim).some((identity) => listed.has(identity)))
  return missing.length > Math.max(1, ready.length * 0.2)
}

/** The listed machine of a claim, if it is there. */
export function machineOf(view: ClusterView, claim: VPSieNode): Machine | undefined {
  const identities = new Set(identitiesOfClaim(claim))
  return view.machines.find((machine) => identitiesOf(machine).some((identity) => identities.has(identity)))
}

/** Claims of the view whose machine has been ordered and is unknown, leaving ones too: their machine must be found to be deleted. */
export function waitingClaims(
  view: ClusterView,
  sizeOf: (claim: VPSieNode) => number | undefined,
): WaitingClaim[] {
  return view.claims.flatMap((claim) => {
    const order = readOrder(claim)
    if (!order || hasMachine(claim)) return []
    const { namespace, name } = claim.metadata
    const { requestedAt, baseline, hints } = order
    return [
      {
        key: `${namespace}/${name}`,
        requestedAt,
        baseline,
        hints,
        sizeID: sizeOf(claim),
        poolID: claim.spec.vpsieGroupID,
      },
    ]
  })
}

/** Which of the view's waiting claims get which listed machine. */
export function adoptions(view: ClusterView, sizeOf: (claim: VPSieNode) => number | undefined): Adoption[] {
  return adopt(waitingClaims(view, sizeOf), view.machines, view.owned)
}
