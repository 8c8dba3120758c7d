import { identitiesOf } from '../../common/api/ownership.ts'
import type { ControllerDeps } from '../deps.ts'
import type { ClusterView } from './machines.ts'
import { hasMachine, readOrder } from './record.ts'

/**
 * Reports workers at VPSie that no claim owns: made by hand, or left by something else than us. They are counted
 * and named in the log when they change, and never touched. A machine that one of our own open orders may have
 * made is not among them: its claim adopts it.
 */
export function createUnclaimedReport({
  metrics,
  log,
}: Pick<ControllerDeps, 'metrics' | 'log'>): (views: readonly ClusterView[]) => void {
  const byCluster = new Map<string, string>()
  return (views) => {
    for (const view of views) {
      const unclaimed = unclaimedOf(view)
      const text = unclaimed.join(',')
      const before = byCluster.get(view.clusterID) ?? ''
      if (before !== text) {
        const level = text === '' ? 'info' : 'warn'
        log.log(level, 'machines that no VPSieNode owns', { clusterID: view.clusterID, machines: unclaimed })
      }
      if (text === '') byCluster.delete(view.clusterID)
      else byCluster.set(view.clusterID, text)
    }
    const total = [...byCluster.values()].reduce((sum, text) => sum + text.split(',').length, 0)
    metrics.machines_unclaimed.set(total)
  }
}

/** Names of the view's workers that no claim owns and no open order may have made. */
export function unclaimedOf({ machines, owned, claims }: ClusterView): string[] {
  const open = claims.flatMap((claim) => (hasMachine(claim) ? [] : (readOrder(claim) ?? [])))
  return machines
    .filter(({ role }) => role !== 'controlPlane')
    .filter((machine) => identitiesOf(machine).every((identity) => !owned.has(identity)))
    .filter(({ identity }) => open.every(({ baseline }) => baseline.has(identity)))
    .map(({ identity }) => identity)
    .sort()
}
