import type { AutoscalerConfig } from '../common/api/autoscalerconfig.ts'
import { configName } from '../common/api/names.ts'
import type { NodeGroup } from '../common/api/nodegroup.ts'
import type { VPSieNode } from '../common/api/vpsienode.ts'
import type { Clock } from '../common/clock.ts'
import { startCache } from '../common/kube/cache.ts'
import type { KubeClient } from '../common/kube/client.ts'
import type { ConfigMap } from '../common/kube/objects.ts'
import { resources } from '../common/kube/resources.ts'
import type { Logger } from '../common/log.ts'

/** The objects that some rules look at besides the one under review. Undefined while they are not known. */
export interface Surroundings {
  nodeGroups(): readonly NodeGroup[] | undefined
  vpsieNodes(): readonly VPSieNode[] | undefined
  /** Null: there is none. */
  autoscalerConfig(): AutoscalerConfig | null | undefined
  /** By `namespace/name`. Null: there is none. */
  configMap(key: string): ConfigMap | null | undefined
}

/** Watches our kinds, and ConfigMaps of `namespaces`. The webhook serves without them too: then the rules that need them are skipped. */
export function watchSurroundings(
  deps: { client: KubeClient; clock: Clock; log: Logger },
  namespaces: readonly string[],
  signal: AbortSignal,
): Surroundings {
  const nodeGroups = startCache(deps, resources.nodeGroups, {}, signal)
  const vpsieNodes = startCache(deps, resources.vpsieNodes, {}, signal)
  const configs = startCache(deps, resources.autoscalerConfigs, {}, signal)
  const configMaps = new Map(
    namespaces.map((namespace) => [
      namespace,
      startCache(deps, resources.configMaps, { namespace, trim }, signal),
    ]),
  )
  return {
    nodeGroups: () => (nodeGroups.synced ? nodeGroups.list() : undefined),
    vpsieNodes: () => (vpsieNodes.synced ? vpsieNodes.list() : undefined),
    autoscalerConfig: () => (configs.synced ? (configs.get(configName) ?? null) : undefined),
    configMap(key) {
      const cache = configMaps.get(key.split('/', 1)[0] ?? '')
      return cache?.synced ? (cache.get(key) ?? null) : undefined
    },
  }
}

// A template has at most a few KiB, and namespaces hold ConfigMaps for all kinds of things.
const longestKept = 65_536

function trim({ apiVersion, kind, metadata, data }: ConfigMap): ConfigMap {
  const { name, namespace, uid, resourceVersion } = metadata
  const kept = Object.entries(data ?? {}).filter(([, text]) => text.length <= longestKept)
  return {
    ...(apiVersion ? { apiVersion } : {}),
    ...(kind ? { kind } : {}),
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
    },
    data: Object.fromEntries(kept),
  }
}
