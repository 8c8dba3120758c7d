import { labels, wellKnown } from '../../common/api/names.ts'
import type { CSINode } from '../../common/kube/objects.ts'
import { parseMillicores, parseUnits } from '../../common/quantity.ts'
import type { Group } from './groups.ts'
import { isReady } from './members.ts'
import type { DecideOptions } from './options.ts'
import {
  at,
  cpu,
  memory,
  pods,
  type ResourceSpace,
  storage,
  type Vector,
  vectorOf,
  zero,
} from './resources.ts'
import type { BinDraft } from './shape/bins.ts'
import type { Offering } from './state.ts'

/** A machine that could be bought: what group, size and place, and what its node would be. */
export interface Template {
  readonly group: Group
  readonly offering: Offering
  readonly datacenterID: string | undefined
  readonly draft: Omit<BinDraft, 'name' | 'kind'>
}

export interface TemplateSource {
  space: ResourceSpace
  options: DecideOptions
  csiNodes: readonly CSINode[]
}

/** Every template of a group, in the order of its offerings and datacenters. */
export function templatesOf(group: Group, source: TemplateSource): Template[] {
  return group.offerings.flatMap((offering) => {
    const allocatable = allocatableOf(group, offering, source)
    return datacentersOf(group)
      .filter((datacenterID) => offering.datacenterID === undefined || offering.datacenterID === datacenterID)
      .map((datacenterID) => ({
        group,
        offering,
        datacenterID,
        draft: draftOf(group, offering, datacenterID, source, allocatable),
      }))
  })
}

/** Where the group may buy: several places only as plain VPS, because a VPSie Kubernetes cluster has one. */
export function datacentersOf({ spec }: Group): (string | undefined)[] {
  const several =
    spec.provisioner === 'vm' && spec.multiRegion?.enabled ? (spec.multiRegion.datacenterIDs ?? []) : []
  return several.length > 0 ? [...several].sort() : [spec.datacenterID]
}

/** What a node of the group would be, but for its name. */
export function draftOf(
  group: Group,
  offering: Offering,
  datacenterID: string | undefined,
  source: TemplateSource,
  allocatable = allocatableOf(group, offering, source),
): Template['draft'] {
  return {
    labels: labelsOf(group, offering, datacenterID),
    taints: group.spec.taints ?? [],
    unschedulable: false,
    allocatable,
    nodeGroup: group.key,
    attachLimits: attachLimits(source.csiNodes),
  }
}

// Labels of the platform are the same on the next node; what somebody put on one by hand is not.
const ofPlatform = /^(topology\.|failure-domain\.beta\.kubernetes\.io\/|(beta\.)?kubernetes\.io\/(os|arch)$)/

function labelsOf(
  group: Group,
  offering: Offering,
  datacenterID: string | undefined,
): Record<string, string> {
  const found: Record<string, string> = {
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    ...(group.spec.provisioner === 'vm' && datacenterID !== undefined
      ? { [wellKnown.zone]: datacenterID }
      : {}),
    ...commonLabels(group, datacenterID),
    [wellKnown.instanceType]: offering.name,
    ...group.spec.labels,
    [labels.managed]: 'true',
    [labels.nodeGroup]: group.object.metadata.name,
    [labels.offering]: offering.name,
  }
  if (datacenterID !== undefined) found[labels.datacenter] = datacenterID
  return found
}

/** Platform labels that all nodes of the group in the datacenter agree on. */
function commonLabels(group: Group, datacenterID: string | undefined): Record<string, string> {
  const nodes = group.staying.filter(
    (member) => member.node && (member.datacenterID ?? datacenterID) === datacenterID,
  )
  const [first, ...others] = nodes.map(({ node }) => node?.metadata.labels ?? {})
  const common = Object.entries(first ?? {}).filter(
    ([key, value]) => ofPlatform.test(key) && others.every((one) => one[key] === value),
  )
  return Object.fromEntries(common)
}

/**
 * What pods can have of a new node: what the least generous node of this group and size really offers or has offered,
 * else what the price list knows, else the size less an estimate of what system and kubelet keep.
 */
function allocatableOf(group: Group, offering: Offering, { space, options }: TemplateSource): Vector {
  const alike = group.staying.filter(
    (member) => member.offering === offering.name && member.node?.status?.allocatable && isReady(member.node),
  )
  const real = alike.map(({ name, node }) =>
    nodeAllocatable(space, node?.status?.allocatable, `Node ${name} status.allocatable`),
  )
  const [first, ...others] = real
  if (first)
    return others.reduce((least, one) => least.map((amount, i) => Math.min(amount, at(one, i))), first)
  const learned = group.object.status?.sizes?.find((size) => size.offering === offering.name)
  if (learned)
    return nodeAllocatable(space, learned.allocatable, `NodeGroup ${group.key} status.sizes ${offering.name}`)
  if (offering.allocatable)
    return nodeAllocatable(
      space,
      offering.allocatable,
      `Offering ${offering.name} spec.allocatable`,
      offering.pods,
    )
  const estimate = vectorOf(space, offering.extended, `Offering ${offering.name} spec.extended`)
  const kept = (offering.memoryBytes * options['node-reserved-memory-percent']) / 100
  const { 'node-reserved-cpu': reservedCPU, 'node-reserved-memory': reservedMemory } = options
  estimate[cpu] = Math.max(0, offering.cpuMillicores - parseMillicores(reservedCPU, '--node-reserved-cpu'))
  estimate[memory] = Math.max(
    0,
    Math.floor(offering.memoryBytes - kept - parseUnits(reservedMemory, '--node-reserved-memory')),
  )
  // The kubelet evicts below 10 % of free disk.
  estimate[storage] = Math.floor(offering.diskBytes * 0.9)
  estimate[pods] = offering.pods
  return estimate
}

/** A Node's allocatable; the kubelet's 110 pods where it names none. */
export function nodeAllocatable(
  space: ResourceSpace,
  quantities: Record<string, string | number> | undefined,
  path: string,
  slots = 110,
): Vector {
  const vector = quantities ? vectorOf(space, quantities, path) : zero(space)
  if (quantities?.pods === undefined) vector[pods] = slots
  return vector
}

/** The fewest volumes that any node of the cluster can attach, by driver: nothing better is known of a new one. */
export function attachLimits(csiNodes: readonly CSINode[]): Map<string, number> {
  const limits = new Map<string, number>()
  for (const { name, allocatable } of csiNodes.flatMap(({ spec }) => spec.drivers ?? [])) {
    const count = allocatable?.count
    if (count !== undefined) limits.set(name, Math.min(count, limits.get(name) ?? Number.POSITIVE_INFINITY))
  }
  return limits
}
