import { annotations } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { toTimestamp } from '../../common/clock.ts'
import { errorText, hasCode, InputError, TerminalError, TransientError } from '../../common/errors.ts'
import { keyOf, resources } from '../../common/kube/resources.ts'
import type { ControllerDeps } from '../deps.ts'
import type { MachineHint } from '../vpsie/provider.ts'
import { recordRefusal } from './backoff.ts'
import { revokeToken } from './bootstrap-token.ts'
import { failClaim, nameOf, patchClaim, setPhase } from './claims.ts'
import { isVM } from './fleet.ts'
import { type ClusterView, isWhole } from './machines.ts'
import type { Memory } from './memory.ts'
import { type Purchase, preparePurchase } from './purchase.ts'
import { acceptedNotes, clearedOrderNotes, orderNotes, readOrder } from './record.ts'

type OrderDeps = Pick<
  ControllerDeps,
  'client' | 'random' | 'provider' | 'offers' | 'clock' | 'events' | 'metrics' | 'log' | 'caches' | 'options'
>

// An order is sent within this time of being written down, or not at all: whoever leads later can then tell how
// old an unanswered one is. What we note after an answer gets as long, whatever was aborted meanwhile.
const sendWithinMs = 10_000
const noteWithinMs = 5_000

/** VPSie's number of the size a claim wants; undefined while the price list lacks it. */
export function sizeOfClaim(
  { offers }: Pick<ControllerDeps, 'offers'>,
  claim: VPSieNode,
): number | undefined {
  return offers.resolve(claim.spec.instanceType, claim.spec.datacenterID)?.id
}

/**
 * Orders the machine of a Pending claim: writes the order down with the cluster's machines as the baseline, sends
 * it once, and notes the answer. A refusal fails the claim; an answer that never came is left to `settle`. Nothing is
 * ordered while the list that would be the baseline may not show every machine.
 */
export async function order(
  deps: OrderDeps,
  memory: Memory,
  claim: VPSieNode,
  nodeGroup: NodeGroup | undefined,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  // Without a price list nothing is known of the size; that it is not sold is another matter.
  if (!deps.offers.isKnown(claim.spec.datacenterID)) return
  const { instanceType, datacenterID } = claim.spec
  const offer = deps.offers.resolve(instanceType, datacenterID)
  if (!offer)
    return refuse(
      deps,
      claim,
      `VPSie offers no size "${instanceType}" in datacenter "${datacenterID}"`,
      signal,
    )
  let purchase: Purchase | undefined
  try {
    purchase = await preparePurchase(deps, claim, nodeGroup, view, offer, signal)
  } catch (error) {
    // What is wrong with the order itself will be wrong again; credentials and rights are mended elsewhere.
    const isFinal = error instanceof TerminalError || error instanceof InputError
    if (isFinal && !hasCode(error, 'Unauthorized', 'Forbidden', 'Conflict'))
      return refuse(deps, claim, errorText(error), signal)
    if (hasCode(error, 'Forbidden')) deps.events.record(claim, 'Warning', 'OrderForbidden', errorText(error))
    throw error
  }
  if (!purchase) return
  if (!(await isWhole(deps, memory, view))) {
    deps.log.info('order waits: the list of machines is not whole', { vpsieNode: claim.metadata.name })
    deps.events.record(
      claim,
      'Normal',
      'OrderWaits',
      "VPSie's list may not show every machine, so it cannot be told yet which one would be new",
    )
    return
  }
  const attempt = Number(claim.metadata.annotations?.[annotations.addAttempt] ?? 0) + 1
  const message = `Ordering size ${instanceType} in datacenter ${datacenterID}, attempt ${attempt}`
  // The phase comes first: should it not be written, then nothing says that something was ordered.
  const provisioning = await setPhase(
    deps,
    claim,
    'Provisioning',
    { reason: 'Provisioning', message },
    signal,
  )
  const startedAt = deps.clock.monotonic()
  const requestedAt = deps.clock.now()
  const noted = await patchClaim(
    deps,
    provisioning,
    {
      metadata: { annotations: orderNotes({ requestedAt, attempt, baseline: view.baseline() }) },
      spec: purchase.spec,
    },
    undefined,
    signal,
  )
  memory.patience(orderKey(noted))
  await send(deps, noted, purchase, startedAt, signal)
}

/** What a leader's patience with an order is counted under. */
function orderKey({ metadata }: VPSieNode): string {
  return `order ${metadata.uid} ${metadata.annotations?.[annotations.addAttempt] ?? 1}`
}

async function send(
  deps: OrderDeps,
  claim: VPSieNode,
  purchase: Purchase,
  startedAt: number,
  signal: AbortSignal,
): Promise<void> {
  const log = deps.log.child({ vpsieNode: claim.metadata.name })
  const noteSignal = () => deps.clock.timeout(noteWithinMs)
  if (deps.clock.monotonic() - startedAt > sendWithinMs) {
    await takeBack(deps, claim, signal)
    log.warn('order not sent: writing it down took too long')
    return
  }
  let hint: MachineHint
  try {
    hint = await purchase.send(signal)
  } catch (error) {
    if (hasCode(error, 'Unauthorized', 'Forbidden')) {
      // The credentials were refused, not the size: nothing was made, and it is tried again.
      await takeBack(deps, claim, noteSignal())
      log.warn('VPSie refuses the credentials; nothing was ordered', { error: errorText(error) })
    } else if (error instanceof TerminalError) {
      await refuse(deps, claim, errorText(error), noteSignal())
    } else if (error instanceof TransientError && error.outcome === 'notSent') {
      await takeBack(deps, claim, noteSignal())
      log.warn('order was not sent; it is tried again', { error: errorText(error) })
    } else {
      deps.metrics.machine_orders_unresolved_total.inc()
      deps.events.record(
        claim,
        'Warning',
        'VPSieAPIError',
        `Whether the machine was ordered is unknown: ${errorText(error)}`,
      )
      log.warn('outcome of an order is unknown; lists will tell', { error: errorText(error) })
    }
    return
  }
  // From here on the machine is ordered, whatever becomes of the note: a claim without it learns by lists.
  await deps.client.patch(
    resources.vpsieNodes,
    nameOf(claim),
    { metadata: { annotations: acceptedNotes(hint) } },
    {},
    noteSignal(),
  )
  log.info('machine ordered')
}

/** Takes the notes of an order back that certainly made nothing, whatever else has changed about the claim. */
function takeBack({ client }: OrderDeps, claim: VPSieNode, signal: AbortSignal): Promise<VPSieNode> {
  const patch = { metadata: { annotations: clearedOrderNotes } }
  return client.patch(resources.vpsieNodes, nameOf(claim), patch, {}, signal)
}

/**
 * An order without an answer is repeated only after the settle time and two lists, apart from each other, that
 * show no machine it could have made. An accepted order is never repeated; but a claim that is leaving waits for its
 * machine no longer than for one whose order was not answered.
 */
export async function settle(
  deps: OrderDeps,
  memory: Memory,
  claim: VPSieNode,
  view: ClusterView,
  signal: AbortSignal,
): Promise<'waiting' | 'nothingMade'> {
  const written = readOrder(claim)
  if (!written) return 'nothingMade'
  const now = deps.clock.now()
  const isAwaited = written.accepted && claim.metadata.deletionTimestamp === undefined
  const settleMs = deps.options['add-settle-time']
  // Our wall clock may have jumped since, so the time has to be over by this leader's own count, too.
  const isEarly = memory.patience(orderKey(claim)) < settleMs || now - written.requestedAt < settleMs
  if (isAwaited || isEarly || !(await isWhole(deps, memory, view))) return 'waiting'
  if (written.absentSince === undefined) {
    await patchClaim(
      deps,
      claim,
      { metadata: { annotations: { [annotations.absentSince]: toTimestamp(now) } } },
      undefined,
      signal,
    )
    return 'waiting'
  }
  // Timestamps are whole seconds, so the second list is certainly later than the first only after one more.
  return now - written.absentSince >= 1000 ? 'nothingMade' : 'waiting'
}

/** Takes back an order that made nothing, so that the next pass may order again. */
export async function withdraw(deps: OrderDeps, claim: VPSieNode, signal: AbortSignal): Promise<void> {
  const cleared = await patchClaim(
    deps,
    claim,
    { metadata: { annotations: clearedOrderNotes } },
    undefined,
    signal,
  )
  await setPhase(
    deps,
    cleared,
    'Pending',
    {
      reason: 'OrderLost',
      message: 'The order made no machine and is repeated',
      conditions: [{ type: 'Error', status: 'False' }],
    },
    signal,
  )
}

/** VPSie refused: the claim made nothing, so it fails and gives up its place at once. */
async function refuse(
  deps: OrderDeps,
  claim: VPSieNode,
  message: string,
  signal: AbortSignal,
): Promise<void> {
  const fresh = await takeBack(deps, claim, signal)
  if (isVM(claim)) await revokeToken(deps, claim, signal)
  await recordRefusal(deps, claim, message, signal)
  await failClaim(deps, fresh, 'CapacityLimitReached', message, signal)
  await deps.client.delete(
    resources.vpsieNodes,
    nameOf(claim),
    claim.metadata.uid ? { uid: claim.metadata.uid } : {},
    signal,
  )
  deps.log.warn('VPSie refused a machine', { vpsieNode: keyOf(claim), error: message })
}
