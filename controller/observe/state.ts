import { activeSettings } from '../../common/api/adoption.ts'
import type { AutoscalerConfig } from '../../common/api/autoscalerconfig.ts'
import { effectiveNodeGroup } from '../../common/api/defaults.ts'
import { configName, labels } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { fromTimestamp } from '../../common/clock.ts'
import type { Backoff, ClusterState, NodeUsage } from '../decide/state.ts'
import type { ControllerDeps } from '../deps.ts'
import { offeringsOf } from './offers.ts'

type ObserveDeps = Pick<ControllerDeps, 'caches' | 'offers' | 'usage' | 'options'>

/** NodeGroups that are ours to act on: labelled managed and in one of our namespaces. */
export function managedNodeGroups({ caches, options }: Pick<ObserveDeps, 'caches' | 'options'>): NodeGroup[] {
  return caches.nodeGroups
    .list()
    .filter(
      ({ metadata }) =>
        metadata.labels?.[labels.managed] === 'true' && options.namespaces.includes(metadata.namespace ?? ''),
    )
}

/** Puts together what a decision reads, all of it already in memory. The objects stay the caches' own. */
export function observe(deps: ObserveDeps): ClusterState {
  const { caches, offers, options } = deps
  const nodeGroups = managedNodeGroups(deps)
  const autoscalerConfig = caches.autoscalerConfigs.get(configName)
  return {
    nodes: caches.nodes.list(),
    pods: caches.pods.list(),
    daemonSets: caches.daemonSets.list(),
    workloads: [
      ...caches.replicaSets.list(),
      ...caches.statefulSets.list(),
      ...caches.replicationControllers.list(),
      ...caches.jobs.list(),
    ],
    podDisruptionBudgets: caches.podDisruptionBudgets.list(),
    persistentVolumeClaims: caches.persistentVolumeClaims.list(),
    persistentVolumes: caches.persistentVolumes.list(),
    storageClasses: caches.storageClasses.list(),
    csiNodes: caches.csiNodes.list(),
    priorityClasses: caches.priorityClasses.list(),
    namespaces: caches.namespaces.list(),
    nodeGroups,
    vpsieNodes: caches.vpsieNodes
      .list()
      .filter(({ metadata }) => options.namespaces.includes(metadata.namespace ?? '')),
    autoscalerConfig,
    offerings: offeringsOf(nodeGroups, offers),
    usage: options.usage === 'off' ? undefined : readUsage(deps, nodeGroups, autoscalerConfig),
    backoffs: nodeGroups.flatMap(backoffsOf),
  }
}

/** What the agents of the groups' nodes have reported over each group's removal window. */
function readUsage(
  deps: ObserveDeps,
  nodeGroups: readonly NodeGroup[],
  config: AutoscalerConfig | undefined,
): ReadonlyMap<string, NodeUsage> {
  const limits = new Map(
    nodeGroups.map((nodeGroup) => [nodeGroup.metadata.name, limitsOf(nodeGroup, config)]),
  )
  const usage = new Map<string, NodeUsage>()
  for (const node of deps.caches.nodes.list()) {
    const limit = limits.get(node.metadata.labels?.[labels.nodeGroup] ?? '')
    const read = limit && deps.usage.read(node.metadata.name, limit)
    if (read) usage.set(node.metadata.name, read)
  }
  return usage
}

function limitsOf(nodeGroup: NodeGroup, config: AutoscalerConfig | undefined) {
  const { stabilizationWindowSeconds, cpuThreshold, memoryThreshold } = effectiveNodeGroup(
    activeSettings(nodeGroup),
    config,
  ).spec.scaleDownPolicy
  return {
    windowMs: stabilizationWindowSeconds * 1000,
    cpuPercent: cpuThreshold,
    memoryPercent: memoryThreshold,
  }
}

function backoffsOf(nodeGroup: NodeGroup): Backoff[] {
  return (nodeGroup.status?.backoffs ?? []).map(({ offering, datacenterID, until, reason }) => ({
    offering,
    datacenterID,
    until: fromTimestamp(until) ?? 0,
    reason,
  }))
}
