import { identitiesOf, identitiesOfClaim, nodesOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { toTimestamp, withDeadline } from '../../common/clock.ts'
import { codeOf, errorText } from '../../common/errors.ts'
import type { Node } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { patchStatus } from '../../common/kube/status.ts'
import type { Reason } from '../decide/plan.ts'
import type { ControllerDeps } from '../deps.ts'
import { groupLabels, nameOf } from '../nodes/claims.ts'
import { drain } from '../nodes/drain.ts'
import { fleetOfClaim } from '../nodes/fleet.ts'
import { isReady } from '../nodes/join.ts'
import { missingServing } from '../nodes/machines.ts'
import { taintDisrupted, untaintDisrupted } from '../nodes/taint.ts'
import { deleteNode, isDead } from '../nodes/terminate.ts'
import type { Machine } from '../vpsie/provider.ts'
import { drainLimits } from './limits.ts'
import { lookAgain } from './recheck.ts'

// Shorter than the time between the end of a lead and the earliest next one, so that an undo never meets the
// removal of a new leader.
const undoWithinMs = 4000

/**
 * Removes one node whose removal was decided: taint, look again at what really runs there, drain, and only then
 * delete its claim, whose finalizer deletes the machine. Whatever goes wrong before the claim is deleted undoes
 * the taint and ends the removal. Also takes up a removal that an earlier leader left half done, since every
 * step may be repeated. Resolves to false if it was called off.
 */
export async function removeNode(
  deps: ControllerDeps,
  node: Node,
  claim: VPSieNode,
  signal: AbortSignal,
): Promise<boolean> {
  const name = node.metadata.name
  const begunAt = deps.clock.now()
  let refusal: Refusal | undefined
  try {
    const before = await taintDisrupted(deps, name, signal)
    refusal =
      (await callOff(deps, before, claim, begunAt, signal)) ?? (await empty(deps, name, claim, signal))
  } catch (error) {
    refusal = { kind: codeOf(error), message: errorText(error) }
  }
  // Once the claim's deletion was asked for the node is on its way out, whatever the answer: nothing is undone then.
  if (refusal) await undo(deps, node, claim, refusal)
  else await release(deps, claim, `Node ${name} is drained; its machine is being deleted`, signal)
  return refusal === undefined
}

/** Why a removal ends without removing. */
interface Refusal {
  kind: string
  message: string
}

/** The second verdict, made from what the API server says now; a refusal unless it is still "remove". */
async function callOff(
  deps: ControllerDeps,
  before: Node,
  claim: VPSieNode,
  begunAt: number,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const decision = await lookAgain(deps, before, begunAt, signal)
  if (decision?.verdict === 'remove') return undefined
  const [first]: Reason[] = decision?.reasons ?? []
  const kind = first?.code ?? 'NotManaged'
  deps.metrics.safety_check_failures_total.inc({ check_type: kind, ...groupLabels(claim) })
  return { kind, message: first?.message ?? 'the node is no longer known' }
}

/** Drains the node within its group's time; a refusal if something is left. */
async function empty(
  deps: ControllerDeps,
  node: string,
  claim: VPSieNode,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const limits = drainLimits(deps, claim)
  const started = deps.clock.monotonic()
  const onEvicted = () => deps.log.debug('pod evicted', { node })
  const result = await drain(
    { ...deps, onEvicted },
    node,
    limits,
    withDeadline(deps.clock, limits.timeoutMs, signal),
  )
  const [first] = result.blocked
  const seconds = (deps.clock.monotonic() - started) / 1000
  deps.metrics.node_drain_duration_seconds.observe(
    { ...groupLabels(claim), result: first ? 'blocked' : 'success' },
    seconds,
  )
  deps.metrics.node_drain_pods_evicted.observe(groupLabels(claim), result.evicted)
  if (!first) return undefined
  return { kind: 'DrainFailed', message: `pod ${first.pod} did not leave: ${first.reason}` }
}

async function release(
  deps: ControllerDeps,
  claim: VPSieNode,
  message: string,
  signal: AbortSignal,
): Promise<void> {
  const { uid } = claim.metadata
  await deps.client.delete(resources.vpsieNodes, nameOf(claim), uid ? { uid } : {}, signal)
  deps.metrics.scale_down_total.inc(groupLabels(claim))
  deps.events.record(claim, 'Normal', 'ScaleDown', message)
  deps.log.info('claim deleted', { vpsieNode: claim.metadata.name, detail: message })
  deps.wakeMachines.fire()
  await noteScaleDown(deps, claim, signal)
}

/** Starts the group's cooldown. */
async function noteScaleDown(deps: ControllerDeps, claim: VPSieNode, signal: AbortSignal): Promise<void> {
  const now = toTimestamp(deps.clock.now())
  const { namespace } = claim.metadata
  const name = { name: claim.spec.nodeGroupName, ...(namespace ? { namespace } : {}) }
  await patchStatus(
    deps,
    resources.nodeGroups,
    name,
    { lastScaleTime: now, lastScaleDownTime: now },
    {},
    signal,
  )
}

/** Makes the node usable again, on its own time: the removal's signal may be the very reason for the undo. */
async function undo(
  deps: ControllerDeps,
  node: Node,
  claim: VPSieNode,
  { kind, message }: Refusal,
): Promise<void> {
  const name = node.metadata.name
  deps.metrics.scale_down_errors_total.inc({ ...groupLabels(claim), error_type: kind })
  deps.events.record(
    node,
    'Warning',
    'ScaleDownFailed',
    `Removal of the node was called off: ${kind}: ${message}`,
  )
  deps.log.warn('removal called off', { node: name, reason: kind, detail: message })
  await untaintDisrupted(deps, name, deps.clock.timeout(undoWithinMs))
}

/**
 * Removes a node whose machine is dead: nothing can be drained there, and its pods must not run twice, so the
 * machine goes before pods and Node (see `terminate`). The API server and VPSie are asked first: while the one shows a
 * Node that lives and the other a list that lacks other machines, too, nothing is concluded from a silent kubelet.
 * A machine that lives under another name only loses the Node it has left. Resolves to false if it was called off.
 */
export async function removeDeadNode(
  deps: ControllerDeps,
  node: Node,
  claim: VPSieNode,
  signal: AbortSignal,
): Promise<boolean> {
  const { name } = node.metadata
  const { items: nodes } = await deps.client.list(resources.nodes, {}, signal)
  const own = nodesOfClaim(nodes, claim)
  const present = own.find((each) => each.metadata.name === name)
  const isAlive = own.some(isReady)
  if (present && !isReady(present) && isAlive && isDead(deps, present)) {
    await deleteNode(deps, present, signal)
    deps.log.warn('a Node was deleted that its machine has left', { node: name })
    return true
  }
  if (!present || isAlive || !isDead(deps, present)) {
    deps.log.info('a dead node has come back', { node: name })
    return false
  }
  const machines = await fleetOfClaim(deps.provider, claim).list(signal)
  if (isShort(deps, claim, machines)) {
    deps.log.warn('a dead node is kept: the list of machines is not whole', { node: name })
    return false
  }
  await release(deps, claim, `Node ${name} is dead; its machine is being deleted`, signal)
  deps.log.warn('dead node removed', { node: name, isListed: isListed(claim, machines) })
  return true
}

/** True if the list lacks machines of Nodes that live: then it says nothing about a dead one. */
function isShort(
  { caches, provider }: ControllerDeps,
  claim: VPSieNode,
  machines: readonly Machine[],
): boolean {
  const { key } = fleetOfClaim(provider, claim)
  const others = caches.vpsieNodes
    .list()
    .filter(
      (other) => fleetOfClaim(provider, other).key === key && other.metadata.name !== claim.metadata.name,
    )
  const { missing, of } = missingServing(others, machines)
  return missing > of * 0.2
}

function isListed(claim: VPSieNode, machines: readonly Machine[]): boolean {
  const names = identitiesOfClaim(claim)
  return machines.some((machine) => identitiesOf(machine).some((identity) => names.includes(identity)))
}

/**
 * Gives up a claim whose machine has never become a Node; its finalizer sees to the machine. Only one that has failed:
 * its time-outs are counted from what this controller wrote, and not from a creation time by another clock.
 */
export async function removeUnregistered(
  deps: ControllerDeps,
  claim: VPSieNode,
  signal: AbortSignal,
): Promise<boolean> {
  const now = await deps.client.get(resources.vpsieNodes, nameOf(claim), signal)
  const { items: nodes } = await deps.client.list(resources.nodes, {}, signal)
  if (now.metadata.uid !== claim.metadata.uid || now.status?.phase !== 'Failed') return false
  if (nodesOfClaim(nodes, now).some(isReady)) return false
  await release(deps, claim, 'No Node has come of its machine, which is being deleted', signal)
  return true
}
