import { labels } from '../../../common/api/names.ts'
import { identitiesOfClaim } from '../../../common/api/ownership.ts'
import { fromTimestamp } from '../../../common/clock.ts'
import { hasCode, TerminalError } from '../../../common/errors.ts'
import { resources } from '../../../common/kube/resources.ts'
import type { ControllerDeps } from '../../../controller/deps.ts'
import { readOrder } from '../../../controller/nodes/record.ts'
import type { WorldOptions } from './world.ts'

/**
 * Mistakes that autoscalers have made, to show that the check sees them. `retry`: an order without an answer is sent
 * again without the settle time. `newest`: the newest Node without an owner is taken for the machine on order.
 * `drain`: a refused eviction does not stop a removal.
 */
export const defects = ['none', 'retry', 'newest', 'drain'] as const
export type Defect = (typeof defects)[number]

export function withDefect(defect: Defect): WorldOptions {
  switch (defect) {
    case 'none':
      return {}
    case 'retry':
      return { flags: ['--add-settle-time=1s'] }
    case 'newest':
      return { sabotage: takeNewest }
    case 'drain':
      return { sabotage: ignoreRefusals }
  }
}

function takeNewest(deps: ControllerDeps): ControllerDeps {
  const { client } = deps
  const list: typeof client.list = async (resource, query, signal) => {
    const found = await client.list(resource, query, signal)
    if (resource.plural !== resources.vpsieNodes.plural || query.labelSelector) return found
    await claimNewest(deps, signal)
    return client.list(resource, query, signal)
  }
  return { ...deps, client: { ...client, list } }
}

async function claimNewest({ client }: ControllerDeps, signal: AbortSignal): Promise<void> {
  const { items: claims } = await client.list(resources.vpsieNodes, {}, signal)
  const { items: nodes } = await client.list(resources.nodes, {}, signal)
  const owned = new Set(claims.flatMap(identitiesOfClaim))
  const free = nodes
    .filter(({ metadata }) => metadata.labels?.[labels.vpsieNode] === undefined)
    .sort((a, b) => bornAt(b) - bornAt(a))
    .flatMap(({ spec }) => spec?.providerID?.split('/').at(-1) ?? [])
    .find((uuid) => !owned.has(uuid))
  const waiting = claims.find((claim) => readOrder(claim) && identitiesOfClaim(claim).length === 0)
  if (!waiting || !free) return
  const { name, namespace = '' } = waiting.metadata
  await client.patch(
    resources.vpsieNodes,
    { name, namespace },
    { spec: { vpsieNodeIdentifier: free } },
    {},
    signal,
  )
}

function bornAt({ metadata }: { metadata: { creationTimestamp?: string } }): number {
  return fromTimestamp(metadata.creationTimestamp) ?? 0
}

function ignoreRefusals(deps: ControllerDeps): ControllerDeps {
  const { client } = deps
  const evict: typeof client.evict = async (pod, signal) => {
    try {
      await client.evict(pod, signal)
    } catch (error) {
      if (!hasCode(error, 'Throttled')) throw error
      throw new TerminalError('taken for gone', { code: 'NotFound' })
    }
  }
  return { ...deps, client: { ...client, evict } }
}
