import { annotations, finalizers } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { isSurelyOf, type MachineNames, nodesOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import { hasCode } from '../../common/errors.ts'
import type { Node } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { notReadySince } from '../decide/members.ts'
import type { ControllerDeps } from '../deps.ts'
import type { Machine } from '../vpsie/provider.ts'
import { revokeToken } from './bootstrap-token.ts'
import { groupLabels, patchClaim, setPhase } from './claims.ts'
import { evictOnce, listPodsOf } from './drain.ts'
import { isVM } from './fleet.ts'
import { isReady } from './join.ts'
import { type ClusterView, isWhole, machineOf } from './machines.ts'
import type { Memory } from './memory.ts'
import { settle } from './order.ts'
import { absentNotes, hasMachine, readOrder } from './record.ts'
import { taintDisrupted } from './taint.ts'

type TerminateDeps = Pick<
  ControllerDeps,
  'client' | 'random' | 'provider' | 'offers' | 'clock' | 'caches' | 'events' | 'metrics' | 'log' | 'options'
>

/** What one step of a removal is about. */
interface Leaving {
  claim: VPSieNode
  nodeGroup: NodeGroup | undefined
  view: ClusterView
  memory: Memory
}

/**
 * Takes a claim that is being deleted one step further. Order: drain under PodDisruptionBudgets, delete the
 * machine, see it gone from two lists, delete the Node, drop the finalizer. Each step is safe to repeat, so a
 * new leader just goes on.
 */
export async function terminate(deps: TerminateDeps, leaving: Leaving, signal: AbortSignal): Promise<void> {
  const { claim, nodeGroup } = leaving
  if (!claim.metadata.finalizers?.includes(finalizers.vpsieNode)) return
  if (
    nodeGroup?.metadata.deletionTimestamp &&
    nodeGroup.metadata.annotations?.[annotations.onDelete] === 'orphan'
  ) {
    return dropFinalizer(deps, claim, 'the NodeGroup was deleted with on-delete=orphan', signal)
  }
  if (!hasMachine(claim)) return terminateUnknown(deps, leaving, signal)
  if (claim.status?.phase === 'Deleting') return removeMachine(deps, leaving, claim, signal)
  const emptied = await empty(deps, leaving, signal)
  if (emptied) await removeMachine(deps, leaving, emptied, signal)
}

/** A claim without a known machine goes at once if nothing was ordered, else only when nothing can have been made. */
async function terminateUnknown(
  deps: TerminateDeps,
  { claim, view, memory }: Leaving,
  signal: AbortSignal,
): Promise<void> {
  const order = readOrder(claim)
  if (!order) return dropFinalizer(deps, claim, 'no machine was ordered', signal)
  if ((await settle(deps, memory, claim, view, signal)) === 'nothingMade') {
    // The answer may have told an identifier that no list has shown since.
    if (view.fleet.canRemove(order.hint)) await view.fleet.remove(order.hint, signal)
    return dropFinalizer(deps, claim, 'the order made no machine', signal)
  }
  if (claim.status?.phase === 'Terminating') return
  const message = 'Waiting to learn which machine was ordered, so that it can be deleted'
  const status = terminatingAt(deps, claim)
  await setPhase(deps, claim, 'Terminating', { reason: 'Terminating', message, status }, signal)
}

function terminatingAt({ clock }: Pick<TerminateDeps, 'clock'>, claim: VPSieNode) {
  return claim.status?.terminatingAt ? {} : { terminatingAt: toTimestamp(clock.now()) }
}

/** Drains the claim's Nodes; the claim as it is then, once nothing movable is left or nothing can be moved. */
async function empty(
  deps: TerminateDeps,
  { claim, nodeGroup, view }: Leaving,
  signal: AbortSignal,
): Promise<VPSieNode | undefined> {
  if (claim.metadata.annotations?.[annotations.forceDelete] === 'true') return claim
  // A cache that lags may not know the Node yet: that there is none is only believed of the API server.
  const known = nodesOfClaim(deps.caches.nodes.list(), claim)
  const nodes = known.length > 0 ? known : nodesOfClaim(await view.nodes(), claim)
  if (nodes.length === 0) return claim
  let leaving = claim
  if (claim.status?.phase !== 'Terminating') {
    const message = `Draining node ${nodes.map(({ metadata }) => metadata.name).join(', ')}`
    const status = terminatingAt(deps, claim)
    leaving = await setPhase(deps, claim, 'Terminating', { reason: 'Terminating', message, status }, signal)
  }
  const limit = nodeGroup?.spec.drain?.maxPodGracePeriodSeconds ?? deps.options['max-pod-grace-period'] / 1000
  for (const { metadata } of nodes) {
    if (!(await emptyNode(deps, claim, metadata.name, limit, signal))) return undefined
  }
  return leaving
}

/**
 * Evicts what a Node runs; true once nothing is left to move, it is gone, or it has been silent for so long that nothing
 * on it can be moved.
 */
export async function emptyNode(
  deps: TerminateDeps,
  claim: VPSieNode,
  name: string,
  maxPodGracePeriodSeconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  let node: Node
  try {
    node = await taintDisrupted(deps, name, signal)
  } catch (error) {
    if (hasCode(error, 'NotFound')) return true
    throw error
  }
  if (isDead(deps, node)) {
    deps.log.warn('a dead node is not drained: its machine goes first', { node: name })
    return true
  }
  const pods = await listPodsOf(deps.client, name, signal)
  const { blocked } = await evictOnce(deps, pods, { maxPodGracePeriodSeconds }, signal)
  const [first] = blocked
  if (!first) return true
  const told = `Node ${name} is not drained yet: pod ${first.pod}: ${first.reason}`
  deps.events.record(claim, 'Normal', 'Draining', told)
  deps.log.info('a drain goes on', { node: name, left: blocked.length, ...first })
  return false
}

/** True for a Node that has been silent for so long that it counts as dead. */
export function isDead({ clock, options }: Pick<ControllerDeps, 'clock' | 'options'>, node: Node): boolean {
  const since = notReadySince(node)
  return since !== undefined && clock.now() - since >= options['scale-down-unready-time']
}

async function removeMachine(
  deps: TerminateDeps,
  { view, memory }: Leaving,
  leaving: VPSieNode,
  signal: AbortSignal,
): Promise<void> {
  let claim = leaving
  const machine = machineOf(view, claim)
  const names = namesOf(claim, machine)
  const canRemove = view.fleet.canRemove(names)
  if (!machine) {
    // A list may lag: what is known by its identifier is deleted all the same, and being gone already is a success.
    if (canRemove) await view.fleet.remove(names, signal)
    if (await isConfirmedAbsent(deps, memory, claim, view, canRemove, signal))
      await finish(deps, claim, view, signal)
    return
  }
  memory.forget(absenceKey(claim))
  if (!canRemove) return tellWaiting(deps, memory, claim, machine.identity)
  if (claim.metadata.annotations?.[annotations.absentSince]) {
    const patch = { metadata: { annotations: absentNotes(undefined) } }
    claim = await patchClaim(deps, claim, patch, undefined, signal)
  }
  if (claim.status?.phase !== 'Deleting') {
    const status = { deletedAt: toTimestamp(deps.clock.now()), ...terminatingAt(deps, claim) }
    const message = `Deleting machine ${machine.identity}`
    await setPhase(deps, claim, 'Deleting', { reason: 'Deleting', message, status }, signal)
  }
  await view.fleet.remove(names, signal)
}

/** All that a deletion can name the machine by: what the list shows, the claim knows, or the order's reply told. */
function namesOf(claim: VPSieNode, machine: Machine | undefined): MachineNames {
  const { vpsieNodeIdentifier, vpsieInstanceID } = claim.spec
  const uuid = machine?.uuid ?? vpsieNodeIdentifier ?? readOrder(claim)?.hint.uuid
  const numericID = machine?.numericID ?? (vpsieInstanceID || undefined)
  return { ...(uuid ? { uuid } : {}), ...(numericID === undefined ? {} : { numericID }) }
}

function tellWaiting(
  { events, log }: TerminateDeps,
  memory: Memory,
  claim: VPSieNode,
  machine: string,
): void {
  if (memory.patience(`deletion waits ${claim.metadata.uid}`) > 0) return
  const message = 'VPSie has given no identifier for the machine yet; it cannot be deleted without one'
  events.record(claim, 'Warning', 'DeletionWaits', message)
  log.warn('a deletion waits for an identifier of the machine', {
    vpsieNode: claim.metadata.name,
    machine,
  })
}

const absenceKey = ({ metadata }: VPSieNode) => `absence ${metadata.uid}`

/**
 * The machine counts as gone when two whole lists, apart from each other, lack it; where no identifier is known, so that
 * nothing could be deleted, only when they have lacked it for the settle time.
 */
async function isConfirmedAbsent(
  deps: TerminateDeps,
  memory: Memory,
  claim: VPSieNode,
  view: ClusterView,
  canRemove: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(await isWhole(deps, memory, view))) return false
  if (!canRemove && memory.patience(absenceKey(claim)) < deps.options['add-settle-time']) return false
  const since = fromTimestamp(claim.metadata.annotations?.[annotations.absentSince])
  const now = deps.clock.now()
  if (since === undefined) {
    await patchClaim(deps, claim, { metadata: { annotations: absentNotes(now) } }, undefined, signal)
    return false
  }
  // Timestamps are whole seconds, so the second list is certainly later than the first only after one more.
  return now - since >= 1000
}

/** The machine is gone: its Nodes go, so that their pods are made anew elsewhere, and the claim with them. */
async function finish(
  deps: TerminateDeps,
  claim: VPSieNode,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  for (const node of nodesOfClaim(await view.nodes(), claim)) {
    // An address alone, on a Node that lives, is somebody else's by now.
    if (isSurelyOf(node, claim) || !isReady(node)) await deleteNode(deps, node, signal)
  }
  observeTermination(deps, claim)
  await dropFinalizer(deps, claim, 'its machine is gone', signal)
}

/** Deletes the Node object of a machine that is gone, so that its pods are rescheduled without waiting. */
export async function deleteNode(
  { client, log }: Pick<ControllerDeps, 'client' | 'log'>,
  node: Node,
  signal: AbortSignal,
): Promise<void> {
  const { name, uid } = node.metadata
  if (isReady(node)) log.warn('the machine is gone but its Node still reports Ready', { node: name })
  try {
    await client.delete(resources.nodes, { name }, uid ? { uid } : {}, signal)
  } catch (error) {
    if (!hasCode(error, 'NotFound', 'Conflict')) throw error
  }
}

function observeTermination({ metrics, clock }: TerminateDeps, claim: VPSieNode): void {
  const since = fromTimestamp(claim.status?.terminatingAt)
  if (since === undefined) return
  metrics.node_termination_duration_seconds.observe(groupLabels(claim), (clock.now() - since) / 1000)
}

async function dropFinalizer(
  deps: TerminateDeps,
  claim: VPSieNode,
  why: string,
  signal: AbortSignal,
): Promise<void> {
  const kept = (claim.metadata.finalizers ?? []).filter((finalizer) => finalizer !== finalizers.vpsieNode)
  try {
    await patchClaim(
      deps,
      claim,
      { metadata: { finalizers: kept.length > 0 ? kept : null } },
      undefined,
      signal,
    )
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error
  }
  if (isVM(claim)) await revokeToken(deps, claim, signal)
  deps.log.info('claim released', { vpsieNode: claim.metadata.name, why })
}
