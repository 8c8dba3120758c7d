import type { AutoscalerConfig } from '../common/api/autoscalerconfig.ts'
import { configName } from '../common/api/names.ts'
import type { NodeGroup } from '../common/api/nodegroup.ts'
import type { VPSieNode } from '../common/api/vpsienode.ts'
import type { Clock } from '../common/clock.ts'
import { startCache } from '../common/kube/cache.ts'
import type { KubeClient } from '../common/kube/client.ts'
import { resources } from '../common/kube/resources.ts'
import type { Logger } from '../common/log.ts'

/** The objects that some rules look at besides the one under review. Undefined while they are not known. */
export interface Surroundings {
  nodeGroups(): readonly NodeGroup[] | undefined
  vpsieNodes(): readonly VPSieNode[] | undefined
  /** Null: there is none. */
  autoscalerConfig(): AutoscalerConfig | null | undefined
}

/** Watches our kinds. The webhook serves without them too: then the rules that need them are skipped. */
export function watchSurroundings(
  deps: { client: KubeClient; clock: Clock; log: Logger },
  signal: AbortSignal,
): Surroundings {
  const nodeGroups = startCache(deps, resources.nodeGroups, {}, signal)
  const vpsieNodes = startCache(deps, resources.vpsieNodes, {}, signal)
  const configs = startCache(deps, resources.autoscalerConfigs, {}, signal)
  return {
    nodeGroups: () => (nodeGroups.synced ? nodeGroups.list() : undefined),
    vpsieNodes: () => (vpsieNodes.synced ? vpsieNodes.list() : undefined),
    autoscalerConfig: () => (configs.synced ? (configs.get(configName) ?? null) : undefined),
  }
}
