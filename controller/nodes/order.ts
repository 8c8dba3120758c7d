import { annotations } from '../../common/api/names.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { toTimestamp } from '../../common/clock.ts'
import { errorText, hasCode, TerminalError, TransientError } from '../../common/errors.ts'
import { keyOf, resources } from '../../common/kube/resources.ts'
import type { ControllerDeps } from '../deps.ts'
import type { MachineHint, Pool } from '../vpsie/provider.ts'
import { recordRefusal } from './backoff.ts'
import { failClaim, nameOf, patchClaim, setPhase } from './claims.ts'
import type { ClusterView } from './machines.ts'
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
 * it once, and notes the answer. A refusal fails the claim; an answer that never came is left to `settle`.
 */
export async function order(
  deps: OrderDeps,
  claim: VPSieNode,
  view: ClusterView,
  signal: AbortSignal,
): Promise<void> {
  // Without a price list nothing is known of the size; that it is not sold is another matter.
  if (!deps.offers.isKnown(claim.spec.datacenterID)) return
  const sizeID = sizeOfClaim(deps, claim)
  if (sizeID === undefined)
    return void (await refuse(
      deps,
      claim,
      `VPSie offers no size "${claim.spec.instanceType}" in datacenter "${claim.spec.datacenterID}"`,
      signal,
    ))
  let pool: Pool | undefined
  try {
    pool = await ensurePool(deps, view.clusterID, sizeID, claim.spec.instanceType, signal)
  } catch (error) {
    if (error instanceof TerminalError && !hasCode(error, 'Unauthorized', 'Forbidden'))
      return void (await refuse(deps, claim, errorText(error), signal))
    throw error
  }
  if (!pool) return
  const requestedAt = deps.clock.now()
  const attempt = Number(claim.metadata.annotations?.[annotations.addAttempt] ?? 0) + 1
  const baseline = new Set(view.machines.map(({ identity }) => identity.toLowerCase()))
  const noted = await patchClaim(
    deps,
    claim,
    {
      metadata: { annotations: orderNotes({ requestedAt, attempt, baseline }) },
      spec: { vpsieGroupID: pool.id },
    },
    undefined,
    signal,
  )
  const message = `Ordering size ${claim.spec.instanceType} in datacenter ${claim.spec.datacenterID}, attempt ${attempt}`
  const provisioning = await setPhase(
    deps,
    noted,
    'Provisioning',
    { reason: 'Provisioning', message },
    signal,
  )
  await send(deps, provisioning, view.clusterID, pool.id, requestedAt, signal)
}

async function send(
  deps: OrderDeps,
  claim: VPSieNode,
  clusterID: string,
  poolID: number,
  requestedAt: number,
  signal: AbortSignal,
): Promise<void> {
  const log = deps.log.child({ vpsieNode: claim.metadata.name })
  const noteSignal = () => deps.clock.timeout(noteWithinMs)
  if (deps.clock.now() - requestedAt > sendWithinMs) {
    await patchClaim(deps, claim, { metadata: { annotations: clearedOrderNotes } }, undefined, signal)
    log.warn('order not sent: writing it down took too long')
    return
  }
  let hint: MachineHint
  try {
    hint = await deps.provider.addWorker(clusterID, poolID, signal)
  } catch (error) {
    if (hasCode(error, 'Unauthorized', 'Forbidden')) {
      // The credentials were refused, not the size: nothing was made, and it is tried again.
      await patchClaim(deps, claim, { metadata: { annotations: clearedOrderNotes } }, undefined, noteSignal())
      log.warn('VPSie refuses the credentials; nothing was ordered', { error: errorText(error) })
    } else if (error instanceof TerminalError) {
      await refuse(deps, claim, errorText(error), noteSignal())
    } else if (error instanceof TransientError && error.outcome === 'notSent') {
      await patchClaim(deps, claim, { metadata: { annotations: clearedOrderNotes } }, undefined, noteSignal())
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

/**
 * An order without an answer is repeated only after the settle time and two lists, apart from each other, that
 * show no machine it could have made. An accepted order is never repeated; but a claim that is leaving waits for its
 * machine no longer than for one whose order was not answered.
 */
export async function settle(
  deps: OrderDeps,
  claim: VPSieNode,
  view: ClusterView,
  signal: AbortSignal,
): Promise<'waiting' | 'nothingMade'> {
  const written = readOrder(claim)
  if (!written) return 'nothingMade'
  const now = deps.clock.now()
  const isAwaited = written.accepted && claim.metadata.deletionTimestamp === undefined
  if (isAwaited || view.suspicious || now - written.requestedAt < deps.options['add-settle-time'])
    return 'waiting'
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
    { reason: 'OrderLost', message: 'The order made no machine and is repeated' },
    signal,
  )
}

/** The pool of a size: VPSie has one per size and cluster, shared by all NodeGroups; made when absent. */
async function ensurePool(
  deps: OrderDeps,
  clusterID: string,
  sizeID: number,
  name: string,
  signal: AbortSignal,
): Promise<Pool | undefined> {
  const find = async () =>
    (await deps.provider.listPools(clusterID, signal)).find((pool) => pool.sizeID === sizeID)
  const found = await find()
  if (found) return found
  try {
    await deps.provider.createPool(clusterID, { name: `size-${name}`, sizeID }, signal)
  } catch (error) {
    if (!hasCode(error, 'AlreadyExists')) throw error
  }
  // VPSie hands back no id; when even the new list lacks the pool, the next pass looks again.
  return find()
}

/** VPSie refused: the claim made nothing, so it fails and gives up its place at once. */
async function refuse(
  deps: OrderDeps,
  claim: VPSieNode,
  message: string,
  signal: AbortSignal,
): Promise<void> {
  await recordRefusal(deps, claim, message, signal)
  const fresh = await deps.client.patch(
    resources.vpsieNodes,
    nameOf(claim),
    { metadata: { annotations: clearedOrderNotes } },
    {},
    signal,
  )
  await failClaim(deps, fresh, 'CapacityLimitReached', message, signal)
  await deps.client.delete(
    resources.vpsieNodes,
    nameOf(claim),
    claim.metadata.uid ? { uid: claim.metadata.uid } : {},
    signal,
  )
  deps.log.warn('VPSie refused a machine', { vpsieNode: keyOf(claim), error: message })
}
