import type { Clock } from '../../common/clock.ts'
import { type Cache, startCache } from '../../common/kube/cache.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import type { KubeObject } from '../../common/kube/objects.ts'
import { type Resource, resources } from '../../common/kube/resources.ts'
import type { Logger } from '../../common/log.ts'
import { trimNode, trimPod, trimWorkload } from './trim.ts'

export interface CacheDeps {
  client: KubeClient
  clock: Clock
  log: Logger
}

function start<T extends KubeObject>(
  deps: CacheDeps,
  resource: Resource<T>,
  trim: ((object: T) => T) | undefined,
  signal: AbortSignal,
) {
  return startCache<T>(deps, resource, trim ? { trim } : {}, signal)
}

/** Starts a watch cache for every kind a decision reads, each cut down to what is read. */
export function startCaches(deps: CacheDeps, signal: AbortSignal) {
  const { nodes, pods, daemonSets, replicaSets, statefulSets, replicationControllers, jobs } = resources
  return {
    nodes: start(deps, nodes, trimNode, signal),
    pods: start(deps, pods, trimPod, signal),
    daemonSets: start(deps, daemonSets, trimWorkload, signal),
    replicaSets: start(deps, replicaSets, trimWorkload, signal),
    statefulSets: start(deps, statefulSets, trimWorkload, signal),
    replicationControllers: start(deps, replicationControllers, trimWorkload, signal),
    jobs: start(deps, jobs, trimWorkload, signal),
    podDisruptionBudgets: start(deps, resources.podDisruptionBudgets, undefined, signal),
    persistentVolumeClaims: start(deps, resources.persistentVolumeClaims, undefined, signal),
    persistentVolumes: start(deps, resources.persistentVolumes, undefined, signal),
    storageClasses: start(deps, resources.storageClasses, undefined, signal),
    csiNodes: start(deps, resources.csiNodes, undefined, signal),
    priorityClasses: start(deps, resources.priorityClasses, undefined, signal),
    namespaces: start(deps, resources.namespaces, undefined, signal),
    nodeGroups: start(deps, resources.nodeGroups, undefined, signal),
    vpsieNodes: start(deps, resources.vpsieNodes, undefined, signal),
    autoscalerConfigs: start(deps, resources.autoscalerConfigs, undefined, signal),
  }
}

export type Caches = ReturnType<typeof startCaches>

/** Resolves when every cache holds the cluster's state; rejects on abort. */
export async function whenSynced(caches: Caches, signal: AbortSignal): Promise<void> {
  await Promise.all(Object.values(caches).map((cache: Cache<KubeObject>) => cache.whenSynced(signal)))
}

/** Names of the kinds whose first list has not arrived; empty when all are synced. */
export function unsynced(caches: Caches): string[] {
  return Object.entries(caches).flatMap(([name, cache]) => (cache.synced ? [] : [name]))
}

/** Waits until `seen` is true of a cache, at most `withinMs`; false if it did not come true. */
export async function waitFor(
  clock: Clock,
  cache: { onChange(listener: () => void): () => void },
  seen: () => boolean,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  if (seen()) return true
  const found = new AbortController()
  const stop = cache.onChange(() => {
    if (seen()) found.abort()
  })
  try {
    await clock.sleep(withinMs, AbortSignal.any([signal, found.signal]))
  } catch (error) {
    if (signal.aborted || !found.signal.aborted) throw error
  } finally {
    stop()
  }
  return seen()
}
