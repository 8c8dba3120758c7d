import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { groupNameOf, identitiesOf } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { fromTimestamp } from '../../common/clock.ts'
import { codeOf, errorText, hasCode } from '../../common/errors.ts'
import { keyOf, resources } from '../../common/kube/resources.ts'
import type { ControllerDeps } from '../deps.ts'
import { managedNodeGroups } from '../observe/state.ts'
import { adoptMachine, completeIdentity, missingIdentity } from './adoption.ts'
import { failClaim, groupLabels, nameOf, phaseOf } from './claims.ts'
import { inParallel } from './drain.ts'
import { type Fleet, fleetOfClaim, fleetOfGroup } from './fleet.ts'
import { isHeld } from './hold.ts'
import { join } from './join.ts'
import { adoptions, type ClusterView, machineOf, viewCluster } from './machines.ts'
import type { Memory } from './memory.ts'
import { order, settle, sizeOfClaim, withdraw } from './order.ts'
import { hasMachine, readOrder } from './record.ts'
import { surplusReason } from './surplus.ts'
import { terminate } from './terminate.ts'
import { removeTwins } from './twins.ts'

// How many claims are worked on at once; the client's rate limiter is the real brake.
const parallel = 8

export interface PassOptions {
  /** Lists every cluster's machines, not only those about which something is to be learnt. */
  listAll: boolean
  memory: Memory
}

/**
 * One pass over all machines: takes every claim one step further. The claims are read from the API server, not
 * from a cache, and every change is sent against the version that was read, so a pass can act on nothing stale.
 * Resolves with the clusters whose machines were listed; the failure of one claim or cluster stops no other.
 */
export async function lookAfterMachines(
  deps: ControllerDeps,
  { listAll, memory }: PassOptions,
  signal: AbortSignal,
): Promise<ClusterView[]> {
  const claims = await listClaims(deps, signal)
  const present = claims.filter(
    (claim) => hasMachine(claim) && claim.metadata.deletionTimestamp === undefined,
  )
  // Nodes join whether or not VPSie answers.
  await inParallel(present, parallel, (claim) =>
    attempt(deps, claim, () => lookAfter(deps, claim, signal), signal),
  )
  const views: ClusterView[] = []
  for (const { fleet, members } of byFleet(deps, claims, listAll)) {
    if (!listAll && !members.some(isOpen)) continue
    const view = await visit(deps, memory, fleet, members, signal)
    if (view) views.push(view)
  }
  return views
}

async function listClaims(deps: ControllerDeps, signal: AbortSignal): Promise<VPSieNode[]> {
  const lists = await Promise.all(
    deps.options.namespaces.map((namespace) => deps.client.list(resources.vpsieNodes, { namespace }, signal)),
  )
  return lists.flatMap(({ items }) => items)
}

interface Members {
  fleet: Fleet
  members: VPSieNode[]
}

/** Claims by the list their machines are in. A list without claims may show machines that nobody owns. */
function byFleet(deps: ControllerDeps, claims: readonly VPSieNode[], all: boolean): Members[] {
  const fleets = new Map<string, Members>()
  const at = (fleet: Fleet): Members => {
    const entry = fleets.get(fleet.key) ?? { fleet, members: [] }
    fleets.set(fleet.key, entry)
    return entry
  }
  for (const claim of claims) at(fleetOfClaim(deps.provider, claim)).members.push(claim)
  const groups = all ? managedNodeGroups(deps) : []
  for (const group of groups) if (group.spec.resourceIdentifier) at(fleetOfGroup(deps.provider, group))
  return [...fleets.values()]
}

/** True while something about the claim's machine is still to be learnt from VPSie. */
function isOpen(claim: VPSieNode): boolean {
  return claim.metadata.deletionTimestamp !== undefined || !hasMachine(claim)
}

async function visit(
  deps: ControllerDeps,
  memory: Memory,
  fleet: Fleet,
  claims: readonly VPSieNode[],
  signal: AbortSignal,
): Promise<ClusterView | undefined> {
  let view: ClusterView
  try {
    view = await viewCluster(deps, memory, fleet, claims, signal)
  } catch (error) {
    signal.throwIfAborted()
    deps.metrics.controller_reconcile_errors_total.inc({ controller: 'machines', error_type: codeOf(error) })
    // The breaker has told of itself; it would be repeated here with every pass.
    const level = hasCode(error, 'CircuitOpen') ? 'debug' : 'warn'
    deps.log.log(level, 'could not list machines', { fleet: fleet.key, error: errorText(error) })
    const free = claims.filter((claim) => isOpen(claim) && !isHeld(deps, nodeGroupOf(deps, claim)))
    await inParallel(free, parallel, (claim) =>
      attempt(deps, claim, () => giveUpIfLate(deps, claim, signal), signal),
    )
    return undefined
  }
  const adopted = await adoptAll(deps, view, signal)
  await inParallel(claims, parallel, (claim) => complete(deps, claim, view, signal))
  await inParallel(claims, parallel, (claim) =>
    attempt(deps, claim, () => removeTwins(deps, claim, view, signal), signal),
  )
  const open = claims.filter(
    (claim) => isOpen(claim) && !adopted.done.has(keyOf(claim)) && !isHeld(deps, nodeGroupOf(deps, claim)),
  )
  const ready = adopted.failed
    ? open.filter((claim) => readOrder(claim) !== undefined || claim.metadata.deletionTimestamp !== undefined)
    : open
  await inParallel(oneSizeAtATime(view, ready), parallel, (claim) =>
    attempt(deps, claim, () => step(deps, memory, claim, view, signal), signal),
  )
  return { ...view, owned: new Set([...view.owned, ...adopted.identities]) }
}

/** What a list tells of a claim's machine for the first time is written down, since only names known find it again. */
async function complete(
  deps: ControllerDeps,
  claim: VPSieNode,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  const machine = hasMachine(claim) ? machineOf(view, claim) : undefined
  if (!machine || !missingIdentity(claim, machine)) return
  await attempt(deps, claim, async () => void (await completeIdentity(deps, claim, machine, signal)), signal)
}

interface Adopted {
  done: ReadonlySet<string>
  /** Identities of the machines that found their claim. */
  identities: readonly string[]
  /** Set when an adoption could not be written down: a baseline taken now would hide that machine from its claim. */
  failed: boolean
}

async function adoptAll(deps: ControllerDeps, view: ClusterView, signal: AbortSignal): Promise<Adopted> {
  const done = new Set<string>()
  const identities: string[] = []
  let failed = false
  for (const { key, machine } of adoptions(view, (claim) => sizeOfClaim(deps, claim))) {
    const claim = view.claims.find((candidate) => keyOf(candidate) === key)
    if (!claim) continue
    const written = await attempt(
      deps,
      claim,
      async () => void (await adoptMachine(deps, claim, machine, signal)),
      signal,
    )
    done.add(key)
    identities.push(...identitiesOf(machine))
    if (!written) failed = true
  }
  return { done, identities, failed }
}

/**
 * Where VPSie's rows tell neither size nor pool, machines of two sizes on order at once could be mistaken for each
 * other: then only claims of the size already on order, or of the oldest Pending claim, go ahead.
 */
function oneSizeAtATime(view: ClusterView, claims: readonly VPSieNode[]): readonly VPSieNode[] {
  const workers = view.machines.filter(({ role }) => role !== 'controlPlane')
  const told =
    workers.length > 0 && workers.every(({ sizeID, poolID }) => sizeID !== undefined || poolID !== undefined)
  if (told) return claims
  const isNew = (claim: VPSieNode) =>
    claim.metadata.deletionTimestamp === undefined && readOrder(claim) === undefined
  const onOrder = view.claims.find((claim) => !hasMachine(claim) && readOrder(claim) !== undefined)
  const size = (onOrder ?? claims.find(isNew))?.spec.instanceType
  return claims.filter((claim) => !isNew(claim) || claim.spec.instanceType === size)
}

/** A claim with a machine: its Node joins, or it has failed and its time is over. */
async function lookAfter(deps: ControllerDeps, claim: VPSieNode, signal: AbortSignal): Promise<void> {
  if (phaseOf(claim) === 'Failed')
    return isHeld(deps, nodeGroupOf(deps, claim)) ? undefined : removeIfExpired(deps, claim, signal)
  await join(deps, claim, nodeGroupOf(deps, claim), signal)
}

/** A claim whose machine is not known yet, or that is being deleted. */
async function step(
  deps: ControllerDeps,
  memory: Memory,
  claim: VPSieNode,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  if (claim.metadata.deletionTimestamp !== undefined)
    return terminate(deps, { claim, nodeGroup: nodeGroupOf(deps, claim), view, memory }, signal)
  const isOrdered = readOrder(claim) !== undefined
  // Whoever wrote the refusal down may have died before it deleted the claim.
  if (!isOrdered && phaseOf(claim) === 'Failed') return deleteClaim(deps, claim, signal)
  const surplus = isOrdered ? undefined : surplusReason(deps, claim, nodeGroupOf(deps, claim), view.claims)
  if (surplus) return giveUpSurplus(deps, claim, surplus, signal)
  if (!isOrdered) return order(deps, memory, claim, nodeGroupOf(deps, claim), view, signal)
  if ((await settle(deps, memory, claim, view, signal)) === 'nothingMade')
    return withdraw(deps, claim, signal)
  await giveUpIfLate(deps, claim, signal)
}

/** A claim too many: nothing was ordered for it, so it just goes. */
async function giveUpSurplus(
  deps: ControllerDeps,
  claim: VPSieNode,
  why: string,
  signal: AbortSignal,
): Promise<void> {
  await deleteClaim(deps, claim, signal)
  deps.events.record(claim, 'Normal', 'SurplusVPSieNode', `Nothing is ordered for it: ${why}`)
  deps.log.info('a claim too many was deleted', { vpsieNode: claim.metadata.name, why })
}

/** An ordered machine that has not appeared in time: the claim fails, but keeps its place until the order is settled. */
async function giveUpIfLate(deps: ControllerDeps, claim: VPSieNode, signal: AbortSignal): Promise<void> {
  if (phaseOf(claim) === 'Failed') return removeIfExpired(deps, claim, signal)
  const written = readOrder(claim)
  const limit = deps.options['launch-timeout']
  if (
    claim.metadata.deletionTimestamp !== undefined ||
    !written ||
    deps.clock.now() - written.requestedAt < limit
  )
    return
  const message = `VPSie has shown no machine ${limit / 1000} s after the order`
  await failClaim(deps, claim, 'ProvisioningTimeout', message, signal)
}

async function removeIfExpired(deps: ControllerDeps, claim: VPSieNode, signal: AbortSignal): Promise<void> {
  const ttl = deps.options['failed-vpsienode-ttl']
  const since = fromTimestamp(
    claim.status?.conditions?.find(({ type, status }) => type === 'Error' && status === 'True')
      ?.lastTransitionTime,
  )
  if (ttl === 0 || since === undefined || deps.clock.now() - since < ttl) return
  await deleteClaim(deps, claim, signal)
  const message = `It had failed for ${ttl / 1000} s: ${claim.status?.lastError ?? ''}`
  deps.events.record(claim, 'Warning', 'FailedVPSieNodeRemoved', message)
  deps.metrics.vpsienode_ttl_deletions_total.inc(groupLabels(claim))
}

async function deleteClaim(
  { client }: Pick<ControllerDeps, 'client'>,
  claim: VPSieNode,
  signal: AbortSignal,
): Promise<void> {
  const { uid } = claim.metadata
  await client.delete(resources.vpsieNodes, nameOf(claim), uid ? { uid } : {}, signal)
}

function nodeGroupOf({ caches }: Pick<ControllerDeps, 'caches'>, claim: VPSieNode): NodeGroup | undefined {
  const name = groupNameOf(claim)
  return caches.nodeGroups.get(`${claim.metadata.namespace}/${name}`)
}

/** Runs one claim's step; true if it succeeded. Somebody else's change (Conflict) just means: next pass. */
async function attempt(
  deps: ControllerDeps,
  claim: VPSieNode,
  work: () => Promise<void>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    signal.throwIfAborted()
    if (!hasCode(error, 'Conflict', 'NotFound')) {
      deps.metrics.controller_reconcile_errors_total.inc({
        controller: 'machines',
        error_type: codeOf(error),
      })
      deps.log.warn('a step of a claim failed', { vpsieNode: keyOf(claim), error: errorText(error) })
    }
    return false
  }
}
