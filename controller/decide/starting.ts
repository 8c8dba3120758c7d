import type { Cluster } from './cluster.ts'
import { bornAt, isReady, type Member } from './members.ts'

/** True for a machine on its way that can still be counted on. */
export function isStarting(member: Member, cluster: Pick<Cluster, 'now' | 'options' | 'state'>): boolean {
  const { node, claim } = member
  if (node && isReady(node)) return false
  const phase = claim?.status?.phase
  if (phase === 'Failed' || (node && phase === 'Ready')) return false
  const since = bornAt(member) ?? (node ? 0 : cluster.now)
  return cluster.now - since < provisionTimeMs(cluster)
}

/** How long a machine may take from its order to a ready Node. */
export function provisionTimeMs({ state, options }: Pick<Cluster, 'options' | 'state'>): number {
  const seconds = state.autoscalerConfig?.spec.globalSettings?.nodeReadyTimeoutSeconds
  return seconds === undefined ? options['max-node-provision-time'] : seconds * 1000
}
