import type { ControllerDeps } from '../deps.ts'
import { freshness } from './metrics.ts'

const mostBetweenMs = 30_000

/**
 * Tells the store which Nodes there are, again and again until `signal` aborts, so that it forgets the others; on
 * every replica, because every replica takes reports. While the Nodes are not known nothing is forgotten.
 */
export async function forgetDeparted(
  { caches, usage, clock, options }: Pick<ControllerDeps, 'caches' | 'usage' | 'clock' | 'options'>,
  signal: AbortSignal,
): Promise<void> {
  const periodMs = Math.max(100, Math.min(mostBetweenMs, options['forget-after'] / 2))
  while (!signal.aborted) {
    if (caches.nodes.synced) usage.retain(new Set(caches.nodes.list().map(({ metadata }) => metadata.name)))
    await clock.sleep(periodMs, signal).catch(() => undefined)
  }
}

/** Lets the gauge of agents be counted at the moment it is read. */
export function countAgents({ metrics, usage }: Pick<ControllerDeps, 'metrics' | 'usage'>): void {
  const collect = () => {
    const agents = usage.agents()
    for (const each of freshness) {
      metrics.agents.set({ freshness: each }, agents.filter((agent) => agent.freshness === each).length)
    }
  }
  Object.assign(metrics.agents, { collect })
}
