import { annotations } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { missingTaints, wantedLabels } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { Node } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import type { ControllerDeps } from '../deps.ts'

/**
 * Puts on a Node what admission should have put there and did not, because the webhook was away. Startup taints
 * are put on once only; a NoExecute taint is never added, since the node may already run pods.
 */
export async function repairNode(
  deps: Pick<ControllerDeps, 'client' | 'log'>,
  node: Node,
  claim: VPSieNode,
  nodeGroup: NodeGroup,
  signal: AbortSignal,
): Promise<void> {
  const wanted = Object.entries(wantedLabels(claim, nodeGroup))
  const missing = wanted.filter(([key, value]) => node.metadata.labels?.[key] !== value)
  const isFirst = node.metadata.annotations?.[annotations.startupTaintsApplied] === undefined
  if (missing.length === 0 && !isFirst) return
  const absent = missingTaints(node, nodeGroup).filter(({ effect }) => effect !== 'NoExecute')
  const patch = {
    metadata: {
      labels: Object.fromEntries(missing),
      annotations: { [annotations.startupTaintsApplied]: 'true' },
    },
    ...(absent.length > 0 ? { spec: { taints: [...(node.spec?.taints ?? []), ...absent] } } : {}),
  }
  const { name, resourceVersion } = node.metadata
  // The list of taints is replaced as a whole, so only against the version that was read.
  await deps.client.patch(
    resources.nodes,
    { name },
    patch,
    resourceVersion ? { resourceVersion } : {},
    signal,
  )
  deps.log.info('node repaired', {
    node: name,
    labels: missing.map(([key]) => key),
    taints: absent.map(({ key }) => key),
  })
}
