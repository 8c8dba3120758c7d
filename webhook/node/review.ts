import Type from 'typebox'
import { checkStructure } from '../../common/api/check.ts'
import { annotations, wellKnown } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { claimOfNode, missingTaints, wantedLabels } from '../../common/api/ownership.ts'
import { mapOf } from '../../common/api/schema.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { Node } from '../../common/kube/objects.ts'
import type { Review } from '../paths.ts'
import { allowed, type PatchOperation, pointerToken } from '../review.ts'
import { isOfKubernetes } from '../settings/names.ts'

const kubelet = 'system:node:'

/** The parts of a Node that are read here. The API server sends no other; whatever else is sent passes as it is. */
const readParts = Type.Object({
  metadata: Type.Object({
    labels: optionalMap(),
    annotations: optionalMap(),
  }),
  spec: Type.Optional(
    Type.Object({
      providerID: Type.Optional(Type.String()),
      taints: Type.Optional(Type.Array(Type.Object({}))),
    }),
  ),
  status: Type.Optional(Type.Object({ addresses: Type.Optional(Type.Array(Type.Object({}))) })),
})

function optionalMap() {
  return Type.Optional(mapOf(Type.String(), {}))
}

/**
 * Gives a Node of ours its labels and taints the moment it registers, before a pod can land on it. Only a kubelet
 * that registers its own Node is answered; anything else, and a Node that is not known, passes as it is: the
 * controller repairs what was missed here.
 */
export const mutateNode: Review = ({ surroundings }, { object, operation, user }) => {
  if (checkStructure(readParts, object).length > 0) return allowed
  const node = object as Node
  const isOwn = user.username === kubelet + node.metadata.name && user.groups.includes('system:nodes')
  if (operation !== 'CREATE' || !isOwn || node.metadata.labels?.[wellKnown.controlPlane] !== undefined)
    return allowed
  const found = claimOfNode(surroundings.vpsieNodes() ?? [], node)
  // A kubelet chooses its Node's labels and address, so none of them gets it a claim that has a Node already.
  const claim = found && isFree(found, node) ? found : undefined
  const nodeGroup = surroundings
    .nodeGroups()
    ?.find(
      ({ metadata }) =>
        metadata.name === claim?.spec.nodeGroupName && metadata.namespace === claim?.metadata.namespace,
    )
  if (!claim || !nodeGroup) return allowed
  const taints = missingTaints(node, nodeGroup)
  return {
    violations: [],
    warnings: [],
    patch: [
      ...addEach('/metadata/labels', node.metadata.labels, labelsForKubelets(claim, nodeGroup)),
      ...addEach('/metadata/annotations', node.metadata.annotations, {
        [annotations.startupTaintsApplied]: 'true',
      }),
      ...(taints.length > 0 ? addTaints(node, taints) : []),
    ],
  }
}

function isFree({ spec, status }: VPSieNode, { metadata }: Node): boolean {
  const known = status?.nodeName ?? spec.nodeName
  return !known || known === metadata.name
}

/**
 * NodeRestriction looks at a kubelet's Node again after we have labelled it, and would refuse the whole Node for a
 * label of Kubernetes' own. NodeGroups of the Go autoscaler may hold such: the controller puts them on afterwards.
 */
function labelsForKubelets(claim: VPSieNode, nodeGroup: NodeGroup): Record<string, string> {
  const wanted = Object.entries(wantedLabels(claim, nodeGroup))
  return Object.fromEntries(wanted.filter(([key]) => !isOfKubernetes(key)))
}

function addEach(
  path: string,
  present: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>>,
): PatchOperation[] {
  const missing = Object.entries(wanted).filter(([key, value]) => present?.[key] !== value)
  if (missing.length === 0) return []
  if (!present) return [{ op: 'add', path, value: Object.fromEntries(missing) }]
  return missing.map(([key, value]) => ({
    op: 'add',
    path: `${path}/${pointerToken(key)}`,
    value,
  }))
}

function addTaints({ spec }: Node, taints: readonly object[]): PatchOperation[] {
  if (!spec) return [{ op: 'add', path: '/spec', value: { taints } }]
  if (!spec.taints) return [{ op: 'add', path: '/spec/taints', value: taints }]
  return taints.map((value) => ({ op: 'add', path: '/spec/taints/-', value }))
}
