import { identitiesOf, identitiesOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { Node } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import type { ControllerDeps } from '../deps.ts'
import type { Machine, Pool } from '../vpsie/provider.ts'
import { type Adoption, adopt, type WaitingClaim } from './adopt.ts'
import { type Baseline, baselineOf, joinBaselines } from './baseline.ts'
import { type Fleet, isVM } from './fleet.ts'
import type { Memory } from './memory.ts'
import { hasMachine, readOrder } from './record.ts'

/** One fleet of machines as a pass sees it: its claims, and its machines by one fresh list. */
export interface ClusterView {
  fleet: Fleet
  claims: readonly VPSieNode[]
  machines: readonly Machine[]
  /** Identities that some claim owns. */
  owned: ReadonlySet<string>
  /**
   * Set when the list lacks more of our ready machines than can be believed at once; such a list proves no
   * machine gone. See "stale cloud data" in kubernetes/autoscaler issue 2386.
   */
  suspicious: boolean
  /** The cluster's pools and the API server's Nodes, each asked for once a pass, when somebody needs them. */
  pools(): Promise<Pool[]>
  /** Looks for the pools again. */
  poolsAnew(): Promise<Pool[]>
  nodes(): Promise<Node[]>
  /** Everything an order made now must not take for its own. */
  baseline(): Baseline
}

type ViewDeps = Pick<ControllerDeps, 'client'>

/** Lists the machines of a fleet and sets them beside its claims. Rejects if the list cannot be had. */
export async function viewCluster(
  deps: ViewDeps,
  memory: Memory,
  fleet: Fleet,
  claims: readonly VPSieNode[],
  signal: AbortSignal,
): Promise<ClusterView> {
  const machines = await fleet.list(signal)
  const owned = new Set(claims.flatMap(identitiesOfClaim))
  const ownedKey = `${fleet.key} owned`
  memory.note(
    fleet.key,
    machines.map(({ identity }) => identity.toLowerCase()),
  )
  memory.note(ownedKey, owned)
  let pools: Promise<Pool[]> | undefined
  const poolsAnew = () => {
    pools = fleet.pools(signal)
    return pools
  }
  const baseline = once(() => {
    const open = claims.flatMap((claim) => readOrder(claim)?.baseline ?? [])
    const waits = claims.some((claim) => !hasMachine(claim) && readOrder(claim) !== undefined)
    // What an open order may have made must stay for it to take, though a list has shown it before this one.
    const isAnothers = (identity: string) => waits && open.every((baseline) => !baseline.has(identity))
    const seen = [...memory.noted(fleet.key)].filter(
      (identity) => owned.has(identity) || !isAnothers(identity),
    )
    return joinBaselines([baselineOf(seen), baselineOf(memory.noted(ownedKey)), ...open])
  })
  return {
    fleet,
    claims,
    machines,
    owned,
    suspicious: shrankSharply(claims, machines),
    pools: () => pools ?? poolsAnew(),
    poolsAnew,
    nodes: once(async () => (await deps.client.list(resources.nodes, {}, signal)).items),
    baseline,
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

// One missing machine among few is normal life; a fifth of those that serve at once is a broken list until proven.
function shrankSharply(claims: readonly VPSieNode[], machines: readonly Machine[]): boolean {
  const { missing, of } = missingServing(claims, machines)
  return missing > Math.max(1, of * 0.2)
}

/** True for a claim whose Node is ready: its machine must be somewhere, whatever a list says. */
function isServing({ metadata, status }: VPSieNode): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'NodeReady')
  return status?.phase === 'Ready' && ready?.status !== 'False' && metadata.deletionTimestamp === undefined
}

/** The claims that serve and whose machines a list lacks; `of` is how many serve. */
export function missingServing(
  claims: readonly VPSieNode[],
  machines: readonly Machine[],
): { missing: number; of: number } {
  const serving = claims.filter(isServing)
  return { missing: missingOf(serving, machines).length, of: serving.length }
}

function missingOf(claims: readonly VPSieNode[], machines: readonly Machine[]): VPSieNode[] {
  const listed = new Set(machines.flatMap(identitiesOf))
  return claims.filter((claim) => !identitiesOfClaim(claim).some((identity) => listed.has(identity)))
}

/**
 * True if the list can be believed to show every machine: it has those of Nodes that are ready, and as many workers as
 * VPSie counts in its pools, short of those on order. A difference that stays for the settle time is how VPSie counts.
 */
export async function isWhole(
  { options }: Pick<ControllerDeps, 'options'>,
  memory: Memory,
  view: ClusterView,
): Promise<boolean> {
  const counted = (await view.pools()).reduce((sum, { nodeCount }) => sum + nodeCount, 0)
  const onOrder = view.claims.filter((claim) => !hasMachine(claim) && readOrder(claim) !== undefined)
  const workers = view.machines.filter(({ role }) => role !== 'controlPlane').length
  const what = `the list of ${view.fleet.key} is short`
  if (
    !view.suspicious &&
    missingServing(view.claims, view.machines).missing === 0 &&
    workers + onOrder.length >= counted
  ) {
    memory.forget(what)
    return true
  }
  return memory.patience(what) >= options['add-settle-time']
}

/** The listed machine of a claim, if it is there. */
export function machineOf(view: ClusterView, claim: VPSieNode): Machine | undefined {
  const { vpsieNodeIdentifier: uuid } = claim.spec
  const identities = new Set(identitiesOfClaim(claim))
  // A host name may come twice, an identifier never does.
  return (
    view.machines.find((machine) => uuid !== undefined && machine.uuid === uuid) ??
    view.machines.find((machine) => identitiesOf(machine).some((identity) => identities.has(identity)))
  )
}

/** Claims of the view whose machine has been ordered and is unknown, leaving ones too: their machine must be found to be deleted. */
export function waitingClaims(
  view: ClusterView,
  sizeOf: (claim: VPSieNode) => number | undefined,
): WaitingClaim[] {
  return view.claims.flatMap((claim) => {
    const order = readOrder(claim)
    if (!order || hasMachine(claim)) return []
    const { namespace, name, deletionTimestamp } = claim.metadata
    const { requestedAt, accepted, baseline, hint } = order
    return [
      {
        key: `${namespace}/${name}`,
        requestedAt,
        leaving: deletionTimestamp !== undefined,
        accepted,
        baseline,
        // The host name of a plain VPS is our own choice, and of no other machine.
        hint: isVM(claim) ? { ...hint, hostname: name } : hint,
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
