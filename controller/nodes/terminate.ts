import { annotations, finalizers } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { nodeOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import { hasCode } from '../../common/errors.ts'
import type { Node } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import type { ControllerDeps } from '../deps.ts'
import { patchClaim, setPhase } from './claims.ts'
import { evictOnce, listPodsOf } from './drain.ts'
import { isReady } from './join.ts'
import { type ClusterView, machineOf } from './machines.ts'
import { settle } from './order.ts'
import { absentNotes, hasMachine, readOrder } from './record.ts'
import { taintDisrupted } from './taint.ts'

type TerminateDeps = Pick<
  ControllerDeps,
  'client' | 'random' | 'provider' | 'offers' | 'clock' | 'caches' | 'events' | 'metrics' | 'log' | 'options'
>

/**
 * Takes a claim that is being deleted one step further. Order: drain under PodDisruptionBudgets, delete the
 * machine, see it gone from two lists, delete the Node, drop the finalizer. Each step is safe to repeat, so a
 * new leader just goes on.
 */
export async function terminate(
  deps: TerminateDeps,
  claim: VPSieNode,
  nodeGroup: NodeGroup | undefined,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  if (!claim.metadata.finalizers?.includes(finalizers.vpsieNode)) return
  if (
    nodeGroup?.metadata.deletionTimestamp &&
    nodeGroup.metadata.annotations?.[annotations.onDelete] === 'orphan'
  ) {
    return dropFinalizer(deps, claim, 'the NodeGroup was deleted with on-delete=orphan', signal)
  }
  if (!hasMachine(claim)) return terminateUnknown(deps, claim, view, signal)
  const node = nodeOfClaim(deps.caches.nodes.list(), claim)
  if (claim.status?.phase !== 'Deleting') {
    if (!(await isEmptied(deps, claim, node, nodeGroup, signal))) return
  }
  await removeMachine(deps, claim, node, view, signal)
}

/** A claim without a known machine goes at once if nothing was ordered, else only when nothing can have been made. */
async function terminateUnknown(
  deps: TerminateDeps,
  claim: VPSieNode,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  const order = readOrder(claim)
  if (!order) return dropFinalizer(deps, claim, 'no machine was ordered', signal)
  if ((await settle(deps, claim, view, signal)) === 'nothingMade') {
    return dropFinalizer(deps, claim, 'the order made no machine', signal)
  }
  if (claim.status?.phase !== 'Terminating') {
    const message = 'Waiting to learn which machine was ordered, so that it can be deleted'
    await setPhase(
      deps,
      claim,
      'Terminating',
      { reason: 'Terminating', message, status: terminatingAt(deps, claim) },
      signal,
    )
  }
}

function terminatingAt({ clock }: Pick<TerminateDeps, 'clock'>, claim: VPSieNode) {
  return claim.status?.terminatingAt ? {} : { terminatingAt: toTimestamp(clock.now()) }
}

/** Drains the claim's Node; true once nothing movable is left or nothing needs to be moved. */
async function isEmptied(
  deps: TerminateDeps,
  claim: VPSieNode,
  node: Node | undefined,
  nodeGroup: NodeGroup | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (!node || claim.metadata.annotations?.[annotations.forceDelete] === 'true') return true
  if (claim.status?.phase !== 'Terminating') {
    const message = `Draining node ${node.metadata.name}`
    claim = await setPhase(
      deps,
      claim,
      'Terminating',
      { reason: 'Terminating', message, status: terminatingAt(deps, claim) },
      signal,
    )
  }
  const name = node.metadata.name
  await taintDisrupted(deps, name, signal)
  const maxPodGracePeriodSeconds =
    nodeGroup?.spec.drain?.maxPodGracePeriodSeconds ?? deps.options['max-pod-grace-period'] / 1000
  const pods = await listPodsOf(deps.client, name, signal)
  const { blocked } = await evictOnce(deps, pods, { maxPodGracePeriodSeconds }, signal)
  const [first] = blocked
  if (!first) return true
  const told = `Node ${name} is not drained yet: pod ${first.pod}: ${first.reason}`
  deps.events.record(claim, 'Normal', 'Draining', told)
  deps.log.info('drain of a deleted claim goes on', { node: name, left: blocked.length, ...first })
  return false
}

async function removeMachine(
  deps: TerminateDeps,
  claim: VPSieNode,
  node: Node | undefined,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  const machine = machineOf(view, claim)
  if (machine) {
    const uuid = machine.uuid ?? claim.spec.vpsieNodeIdentifier
    if (!uuid) {
      deps.events.record(
        claim,
        'Warning',
        'DeletionWaits',
        'VPSie has given no identifier for the machine yet; it cannot be deleted without one',
      )
      return
    }
    if (claim.metadata.annotations?.[annotations.absentSince]) {
      claim = await patchClaim(
        deps,
        claim,
        { metadata: { annotations: absentNotes(undefined) } },
        undefined,
        signal,
      )
    }
    if (claim.status?.phase !== 'Deleting') {
      const status = { deletedAt: toTimestamp(deps.clock.now()), ...terminatingAt(deps, claim) }
      await setPhase(
        deps,
        claim,
        'Deleting',
        { reason: 'Deleting', message: `Deleting machine ${machine.identity}`, status },
        signal,
      )
    }
    await deps.provider.deleteWorker(view.clusterID, uuid, signal)
    return
  }
  // A list may lag: what is known by its identifier is deleted all the same, and being gone already is a success.
  const { vpsieNodeIdentifier } = claim.spec
  if (vpsieNodeIdentifier) await deps.provider.deleteWorker(view.clusterID, vpsieNodeIdentifier, signal)
  if (!(await isConfirmedAbsent(deps, claim, view, signal))) return
  if (node) await deleteNode(deps, node, signal)
  observeTermination(deps, claim)
  await dropFinalizer(deps, claim, 'its machine is gone', signal)
}

/** The machine counts as gone when two lists, apart from each other, lack it; longer if the list looks broken. */
async function isConfirmedAbsent(
  deps: TerminateDeps,
  claim: VPSieNode,
  view: ClusterView,
  signal: AbortSignal,
): Promise<boolean> {
  const since = fromTimestamp(claim.metadata.annotations?.[annotations.absentSince])
  const now = deps.clock.now()
  if (since === undefined) {
    await patchClaim(deps, claim, { metadata: { annotations: absentNotes(now) } }, undefined, signal)
    return false
  }
  return now - since >= (view.suspicious ? deps.options['add-settle-time'] : 1000)
}

/** Deletes the Node object of a machine that is gone, so that its pods are rescheduled without waiting. */
async function deleteNode(deps: TerminateDeps, node: Node, signal: AbortSignal): Promise<void> {
  if (isReady(node))
    deps.log.warn('the machine is gone but its Node still reports Ready', { node: node.metadata.name })
  const { name, uid } = node.metadata
  try {
    await deps.client.delete(resources.nodes, { name }, uid ? { uid } : {}, signal)
  } catch (error) {
    if (!hasCode(error, 'NotFound', 'Conflict')) throw error
  }
}

function observeTermination({ metrics, clock }: TerminateDeps, claim: VPSieNode): void {
  const since = fromTimestamp(claim.status?.terminatingAt)
  if (since === undefined) return
  const set = { nodegroup: claim.spec.nodeGroupName, namespace: claim.metadata.namespace ?? '' }
  metrics.node_termination_duration_seconds.observe(set, (clock.now() - since) / 1000)
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
  deps.log.info('claim released', { vpsieNode: claim.metadata.name, why })
}
