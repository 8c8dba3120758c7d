import { labels } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { toTimestamp } from '../../common/clock.ts'
import { hasCode } from '../../common/errors.ts'
import { keyOf, resources } from '../../common/kube/resources.ts'
import { patchStatus } from '../../common/kube/status.ts'
import type { Action } from '../decide/plan.ts'
import type { ControllerDeps } from '../deps.ts'
import { labelsOfGroup } from '../metrics.ts'
import { claimName, nameOf, newClaim, type Wanted } from '../nodes/claims.ts'
import { waitFor } from '../observe/caches.ts'
import { changesWith } from '../status/history.ts'

type GrowDeps = Pick<
  ControllerDeps,
  'client' | 'caches' | 'events' | 'metrics' | 'log' | 'clock' | 'wakeMachines'
>

// After this a lagging cache is no longer waited for; the next decision then meets `isAbreast` below.
const seenWithinMs = 5000

/**
 * Carries out what a plan adds to one NodeGroup. First the intent goes to the group's status against the version
 * the plan was made from: of two leaders, or a leader with a stale cache, only one gets through. Then come the
 * claims, whose names follow from that intent, so that repeating it makes nothing twice. Ordering is not done
 * here. Resolves with the number of claims made; 0 when the plan was stale.
 */
export async function grow(
  deps: GrowDeps,
  nodeGroup: NodeGroup,
  actions: readonly Action[],
  target: number,
  signal: AbortSignal,
): Promise<number> {
  const wanted = actions.flatMap(wantedOf)
  if (wanted.length === 0 || !(await isAbreast(deps, nodeGroup, signal))) return 0
  const planGeneration = (nodeGroup.status?.planGeneration ?? 0) + 1
  const now = toTimestamp(deps.clock.now())
  const isReplacement = actions.some(({ type }) => type === 'replace')
  const status = {
    desiredNodes: target,
    planGeneration,
    lastScaleTime: now,
    lastScaleUpTime: now,
    ...(isReplacement ? { lastReplaceTime: now } : {}),
    recentChanges: changesWith(nodeGroup, actions, 'Add', deps.clock.now()),
  }
  try {
    const { resourceVersion = '' } = nodeGroup.metadata
    await patchStatus(deps, resources.nodeGroups, nameOf(nodeGroup), status, { resourceVersion }, signal)
  } catch (error) {
    if (!hasCode(error, 'Conflict', 'NotFound')) throw error
    deps.log.info('plan dropped: the NodeGroup has changed since', { nodeGroup: keyOf(nodeGroup) })
    return 0
  }
  const names = await createClaims(deps, nodeGroup, planGeneration, wanted, signal)
  report(deps, nodeGroup, actions, wanted.length)
  deps.wakeMachines.fire()
  const { namespace } = nodeGroup.metadata
  const seen = () => names.every((name) => deps.caches.vpsieNodes.get(`${namespace}/${name}`) !== undefined)
  await waitFor(deps.clock, deps.caches.vpsieNodes, seen, seenWithinMs, signal)
  return wanted.length
}

function wantedOf({ offering = '', datacenter = '', count = 0, nodes, reason }: Action): Wanted[] {
  return Array.from({ length: count }, () => ({
    offering,
    datacenterID: datacenter,
    reason,
    ...(nodes?.length ? { replaces: nodes } : {}),
  }))
}

/** True if the cache knows every claim of the group. While it lags, what is already on order would be bought again. */
async function isAbreast(
  deps: GrowDeps,
  { metadata: { name, namespace } }: NodeGroup,
  signal: AbortSignal,
): Promise<boolean> {
  const query = { ...(namespace ? { namespace } : {}), labelSelector: `${labels.nodeGroup}=${name}` }
  const { items } = await deps.client.list(resources.vpsieNodes, query, signal)
  const unknown = items.filter(
    (claim) => deps.caches.vpsieNodes.get(keyOf(claim))?.metadata.uid !== claim.metadata.uid,
  )
  if (unknown.length > 0)
    deps.log.info('plan dropped: the cache lags behind', { nodeGroup: name, unseen: unknown.length })
  return unknown.length === 0
}

async function createClaims(
  deps: GrowDeps,
  nodeGroup: NodeGroup,
  planGeneration: number,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<string[]> {
  const names: string[] = []
  for (const [ordinal, want] of wanted.entries()) {
    const name = claimName(nodeGroup, planGeneration, ordinal)
    try {
      await deps.client.create(resources.vpsieNodes, newClaim(nodeGroup, name, want), signal)
    } catch (error) {
      if (!hasCode(error, 'AlreadyExists')) throw error
    }
    names.push(name)
  }
  return names
}

function report(deps: GrowDeps, nodeGroup: NodeGroup, actions: readonly Action[], count: number): void {
  const set = labelsOfGroup(keyOf(nodeGroup))
  deps.metrics.scale_up_total.inc(set)
  deps.metrics.scale_up_nodes_added.observe(set, count)
  for (const { type, reason, count: machines = 0, offering, datacenter } of actions) {
    deps.metrics.scaling_decisions_total.inc({ ...set, decision: type, reason })
    deps.events.record(
      nodeGroup,
      'Normal',
      'ScaleUp',
      `Adding ${machines} of size ${offering} in ${datacenter}: ${reason}`,
    )
  }
  deps.log.info('scale-up', { nodeGroup: keyOf(nodeGroup), machines: count })
}
