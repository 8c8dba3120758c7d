import type { Node, Taint } from '../kube/objects.ts'
import { annotations, labels, wellKnown } from './names.ts'
import type { NodeGroup } from './nodegroup.ts'
import type { VPSieNode } from './vpsienode.ts'

/** Names by which a machine of VPSie may be known. */
export interface MachineNames {
  uuid?: string
  numericID?: number
  hostname?: string
}

/** Every text by which a machine may be known, lower case because VPSie and Kubernetes differ in letter case. */
export function identitiesOf({ uuid, numericID, hostname }: MachineNames): string[] {
  return [uuid, numericID === undefined ? undefined : String(numericID), hostname]
    .filter((text): text is string => text !== undefined && text !== '')
    .map((text) => text.toLowerCase())
}

/** Every text by which the claim's own machine may appear in a list; empty while it is unknown. */
export function identitiesOfClaim(claim: VPSieNode): string[] {
  const { vpsieNodeIdentifier, vpsieInstanceID } = claim.spec
  const hostname = claim.status?.hostname
  return identitiesOf({
    ...(vpsieNodeIdentifier ? { uuid: vpsieNodeIdentifier } : {}),
    ...(vpsieInstanceID ? { numericID: vpsieInstanceID } : {}),
    ...(hostname ? { hostname } : {}),
  })
}

/** Name of the NodeGroup a claim belongs to; it is in the claim's own namespace. */
export function groupNameOf({ metadata, spec }: VPSieNode): string {
  return metadata.labels?.[labels.nodeGroup] ?? spec.nodeGroupName
}

/** True if the claim belongs to the NodeGroup. */
export function isOf(claim: VPSieNode, { metadata }: NodeGroup): boolean {
  return claim.metadata.namespace === metadata.namespace && groupNameOf(claim) === metadata.name
}

/** True for a node of the control plane: never ours, whatever else is said of it. */
export function isControlPlane({ metadata }: Node): boolean {
  const has = metadata.labels ?? {}
  return has[wellKnown.controlPlane] !== undefined || has[wellKnown.master] !== undefined
}

/**
 * How a Node is known to be a claim's, the surest way first: the label we put on it, its provider id, its name, its
 * address. 0 to 3; undefined if it is not. A label that names another claim settles that it is not.
 */
function kinshipOf(claim: VPSieNode): (node: Node) => number | undefined {
  // Once a claim: a large cluster asks this of every pair of claim and Node.
  const identities = new Set(identitiesOfClaim(claim))
  const address = claim.spec.ipAddress
  return (node) => {
    if (isControlPlane(node)) return undefined
    const label = node.metadata.labels?.[labels.vpsieNode]
    if (label !== undefined) return label === claim.metadata.name ? 0 : undefined
    if (identities.has(lastPart(node.spec?.providerID))) return 1
    if (identities.has(node.metadata.name.toLowerCase())) return 2
    return address !== undefined && node.status?.addresses?.some((entry) => entry.address === address)
      ? 3
      : undefined
  }
}

// A provider id is `vpsie://<datacenter>/<cluster>/<machine>` or the bare machine id.
function lastPart(providerID: string | undefined): string {
  return providerID?.split('/').at(-1)?.toLowerCase() ?? ''
}

/** Every Node that is a claim's, the surest first: a machine that has come back under another name has two. */
export function nodesOfClaim(nodes: readonly Node[], claim: VPSieNode): Node[] {
  const rankOf = kinshipOf(claim)
  return nodes
    .flatMap((node) => {
      const rank = rankOf(node)
      return rank === undefined ? [] : [{ node, rank }]
    })
    .sort((a, b) => a.rank - b.rank)
    .map(({ node }) => node)
}

/** True unless only its address says that the Node is the claim's: addresses are given to others again. */
export function isSurelyOf(node: Node, claim: VPSieNode): boolean {
  return (kinshipOf(claim)(node) ?? 3) < 3
}

/** The claim of a Node: the one it is most surely of. */
export function claimOfNode(claims: readonly VPSieNode[], node: Node): VPSieNode | undefined {
  let best: { claim: VPSieNode; rank: number } | undefined
  for (const claim of claims) {
    const rank = kinshipOf(claim)(node)
    if (rank !== undefined && (best === undefined || rank < best.rank)) best = { claim, rank }
  }
  return best?.claim
}

/** Labels a Node of the group carries: the group's own, and whose it is. */
export function wantedLabels(claim: VPSieNode, nodeGroup: NodeGroup): Record<string, string> {
  return {
    ...nodeGroup.spec.labels,
    [labels.managed]: 'true',
    [labels.nodeGroup]: nodeGroup.metadata.name,
    [labels.vpsieNode]: claim.metadata.name,
    [labels.datacenter]: claim.spec.datacenterID,
    [labels.offering]: claim.spec.instanceType,
  }
}

/**
 * Taints of the group that the Node lacks, its startup taints among them, each key and effect once, as the API server
 * demands of a Node. None once they have been put on: somebody else takes them off, and that is not to be undone.
 */
export function missingTaints(node: Node, nodeGroup: NodeGroup): Taint[] {
  if (node.metadata.annotations?.[annotations.startupTaintsApplied] !== undefined) return []
  const present = node.spec?.taints ?? []
  const missing: Taint[] = []
  for (const taint of [...(nodeGroup.spec.taints ?? []), ...(nodeGroup.spec.startupTaints ?? [])]) {
    const isThere = [...present, ...missing].some(
      ({ key, effect }) => key === taint.key && effect === taint.effect,
    )
    if (!isThere) missing.push(taint)
  }
  return missing
}
