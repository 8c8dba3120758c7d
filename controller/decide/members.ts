import { labels, taints, wellKnown } from '../../common/api/names.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { fromTimestamp } from '../../common/clock.ts'
import type { Node } from '../../common/kube/objects.ts'

/** One machine of a NodeGroup: a Node, the claim that ordered it, or both. */
export interface Member {
  /** Name of its Node, else of its claim. */
  readonly name: string
  readonly node: Node | undefined
  readonly claim: VPSieNode | undefined
  readonly offering: string
  readonly datacenterID: string | undefined
}

/** Finds the Node of a claim by label, provider id, name or address, in that order and whatever the letter case. */
export function indexNodes(nodes: readonly Node[]): (claim: VPSieNode) => Node | undefined {
  const byLabel = new Map<string, Node>()
  const byIdentity = new Map<string, Node>()
  const byName = new Map<string, Node>()
  const byAddress = new Map<string, Node>()
  for (const node of nodes) {
    const { name, labels: has } = node.metadata
    const label = has?.[labels.vpsieNode]
    if (label !== undefined) byLabel.set(label, node)
    const identity = node.spec?.providerID?.split('/').at(-1)?.toLowerCase()
    if (identity) byIdentity.set(identity, node)
    byName.set(name.toLowerCase(), node)
    for (const { address } of node.status?.addresses ?? []) byAddress.set(address, node)
  }
  return (claim) => {
    const names = identitiesOf(claim)
    const known =
      names.map((name) => byIdentity.get(name)).find((node) => node) ??
      names.map((name) => byName.get(name)).find((node) => node)
    return byLabel.get(claim.metadata.name) ?? known ?? byAddress.get(claim.spec.ipAddress || 'none')
  }
}

function identitiesOf({ spec, status }: VPSieNode): string[] {
  const { vpsieNodeIdentifier, vpsieInstanceID, nodeName } = spec
  const all = [
    vpsieNodeIdentifier,
    vpsieInstanceID ? String(vpsieInstanceID) : '',
    status?.nodeName,
    nodeName,
    status?.hostname,
  ]
  return all.filter((text) => text !== undefined && text !== '').map((text) => String(text).toLowerCase())
}

/** The size a Node is of. */
export function offeringOf({ metadata }: Node): string {
  return metadata.labels?.[labels.offering] ?? metadata.labels?.[wellKnown.instanceType] ?? ''
}

/** True while VPSie may have, or may yet make, a machine for the claim. A plain refusal frees its place at once. */
export function holdsPlace({ metadata, spec, status }: VPSieNode): boolean {
  if (status?.phase !== 'Failed') return true
  const ordered = Object.keys(metadata.annotations ?? {}).some((key) => key.endsWith('/requested-at'))
  return ordered || spec.vpsieInstanceID !== 0 || Boolean(spec.vpsieNodeIdentifier)
}

/** True for a machine whose removal has begun. */
export function isLeaving({ node, claim }: Member): boolean {
  if (claim?.metadata.deletionTimestamp !== undefined || node?.metadata.deletionTimestamp !== undefined)
    return true
  const phase = claim?.status?.phase
  return (
    phase === 'Terminating' ||
    phase === 'Deleting' ||
    (node?.spec?.taints ?? []).some(({ key }) => key === taints.disrupted)
  )
}

/** True if the Node reports Ready; one without conditions counts as ready, as a hand-written state may have it. */
export function isReady(node: Node): boolean {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  return ready === undefined || ready.status === 'True'
}

/** Since when the Node has not been ready, in ms; undefined if it is. */
export function notReadySince(node: Node): number | undefined {
  if (isReady(node)) return undefined
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  return fromTimestamp(ready?.lastTransitionTime) ?? fromTimestamp(node.metadata.creationTimestamp)
}

/** When the machine was asked for, in ms: its claim's age, else its Node's. */
export function bornAt({ node, claim }: Member): number | undefined {
  return fromTimestamp((claim ?? node)?.metadata.creationTimestamp)
}

export function isControlPlane({ metadata }: Node): boolean {
  const has = metadata.labels ?? {}
  return has[wellKnown.controlPlane] !== undefined || has[wellKnown.master] !== undefined
}
