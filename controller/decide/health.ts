import type { Cluster } from './cluster.ts'
import { isReady } from './members.ts'
import type { Reason } from './plan.ts'
import { isStarting } from './starting.ts'

/** Why nothing is removed while too much of the cluster is down: then the network is more likely gone than the nodes. */
export function clusterHealth(cluster: Cluster): Reason | undefined {
  const { state, options, memberOf } = cluster
  const unready = state.nodes.filter((node) => {
    const owner = memberOf.get(node.metadata.name)
    return !isReady(node) && !(owner && isStarting(owner.member, cluster))
  }).length
  const percent = state.nodes.length === 0 ? 0 : (unready * 100) / state.nodes.length
  if (unready <= options['ok-total-unready-count'] || percent <= options['max-total-unready-percentage'])
    return undefined
  return {
    code: 'ClusterUnhealthy',
    message: `${unready} of ${state.nodes.length} nodes are not ready: more than ${options['ok-total-unready-count']} and ${options['max-total-unready-percentage']} %`,
  }
}
