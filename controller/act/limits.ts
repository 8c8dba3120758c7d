import { effectiveNodeGroup } from '../../common/api/defaults.ts'
import { configName } from '../../common/api/names.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { ControllerDeps } from '../deps.ts'

/** How long a drain may take (ms) and how much grace a pod gets (s), by the claim's NodeGroup. */
export interface DrainLimits {
  timeoutMs: number
  maxPodGracePeriodSeconds: number
}

/** The drain limits of a claim's NodeGroup with all defaults; the most cautious ones when the group is gone. */
export function drainLimits(
  { caches, options }: Pick<ControllerDeps, 'caches' | 'options'>,
  claim: VPSieNode,
): DrainLimits {
  const nodeGroup = caches.nodeGroups.get(`${claim.metadata.namespace}/${claim.spec.nodeGroupName}`)
  const drain =
    nodeGroup && effectiveNodeGroup(nodeGroup, caches.autoscalerConfigs.get(configName)).spec.drain
  return {
    timeoutMs: (drain?.timeoutSeconds ?? 900) * 1000,
    maxPodGracePeriodSeconds: drain?.maxPodGracePeriodSeconds ?? options['max-pod-grace-period'] / 1000,
  }
}
