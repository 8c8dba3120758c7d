import type { NodeGroup, OfferingBackoff } from '../../common/api/nodegroup.ts'
import { groupNameOf } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import { hasCode } from '../../common/errors.ts'
import { resources } from '../../common/kube/resources.ts'
import { retry } from '../../common/retry.ts'
import type { ControllerDeps } from '../deps.ts'

// Figures of Cluster Autoscaler's --initial-node-group-backoff-duration and --max-node-group-backoff-duration,
// but per size and datacenter instead of per group, and forgotten as soon as an order succeeds.
const firstMs = 5 * 60_000
const longestMs = 30 * 60_000

type BackoffDeps = Pick<ControllerDeps, 'client' | 'clock' | 'events' | 'random'>

/**
 * The list after one more refusal of (offering, datacenter). Its pause doubles with each one in a row: those that come
 * while it lasts are of the same order, and one that is long over counts no more.
 */
export function withRefusal(
  backoffs: readonly OfferingBackoff[],
  offering: string,
  datacenterID: string,
  reason: string,
  now: number,
): OfferingBackoff[] {
  const same = (entry: OfferingBackoff) => entry.offering === offering && entry.datacenterID === datacenterID
  const before = backoffs.find(same)
  const endedAt = fromTimestamp(before?.until) ?? 0
  if (before && endedAt > now) return [...backoffs]
  const failures = before && endedAt > now - longestMs ? before.failures + 1 : 1
  const until = toTimestamp(now + Math.min(longestMs, firstMs * 2 ** (failures - 1)))
  const others = backoffs.filter(
    (entry) => !same(entry) && (fromTimestamp(entry.until) ?? 0) > now - longestMs,
  )
  return [...others, { offering, datacenterID, until, failures, reason: reason.slice(0, 1024) }]
}

/** The list after an order of (offering, datacenter) succeeded. */
export function withoutBackoff(
  backoffs: readonly OfferingBackoff[],
  offering: string,
  datacenterID: string,
): OfferingBackoff[] {
  return backoffs.filter((entry) => entry.offering !== offering || entry.datacenterID !== datacenterID)
}

/** Notes on the claim's NodeGroup that VPSie refused its size, so that any leader leaves the size alone for a while. */
export async function recordRefusal(
  deps: BackoffDeps,
  claim: VPSieNode,
  reason: string,
  signal: AbortSignal,
): Promise<void> {
  const { instanceType, datacenterID } = claim.spec
  const nodeGroup = await changeBackoffs(
    deps,
    claim,
    (backoffs) => withRefusal(backoffs, instanceType, datacenterID, reason, deps.clock.now()),
    signal,
  )
  if (nodeGroup)
    deps.events.record(
      nodeGroup,
      'Warning',
      'CapacityLimitReached',
      `VPSie refused size ${instanceType} in ${datacenterID}: ${reason}`,
    )
}

/** Forgets the refusals of the claim's size once a machine of it has been made. */
export async function forgetRefusals(
  deps: BackoffDeps,
  claim: VPSieNode,
  signal: AbortSignal,
): Promise<void> {
  const { instanceType, datacenterID } = claim.spec
  await changeBackoffs(
    deps,
    claim,
    (backoffs) => withoutBackoff(backoffs, instanceType, datacenterID),
    signal,
  )
}

async function changeBackoffs(
  deps: BackoffDeps,
  claim: VPSieNode,
  change: (backoffs: readonly OfferingBackoff[]) => OfferingBackoff[],
  signal: AbortSignal,
): Promise<NodeGroup | undefined> {
  const { namespace } = claim.metadata
  const name = {
    name: groupNameOf(claim),
    ...(namespace ? { namespace } : {}),
  }
  const attempt = async () => {
    const nodeGroup = await deps.client.get(resources.nodeGroups, name, signal)
    const before = nodeGroup.status?.backoffs ?? []
    const after = change(before)
    if (after.length === 0 && before.length === 0) return nodeGroup
    const { resourceVersion } = nodeGroup.metadata
    return deps.client.patch(
      resources.nodeGroups,
      name,
      { status: { backoffs: after } },
      { subresource: 'status', ...(resourceVersion ? { resourceVersion } : {}) },
      signal,
    )
  }
  try {
    const retryable = (error: unknown) => hasCode(error, 'Conflict')
    return await retry(deps.clock, attempt, { retryable, random: deps.random }, signal)
  } catch (error) {
    // A group that is gone has nothing to back off from.
    if (hasCode(error, 'NotFound')) return undefined
    throw error
  }
}
