import { labels } from '../../common/api/names.ts'
import type { NodeGroup, NodeGroupStatus } from '../../common/api/nodegroup.ts'
import { parseUnits } from '../../common/quantity.ts'
import { isReady, offeringOf } from '../decide/members.ts'
import type { ClusterState } from '../decide/state.ts'

type LearnedSize = NonNullable<NodeGroupStatus['sizes']>[number]

// As the schema has it.
const mostSizes = 64

/**
 * What the group's nodes offer to pods, by size: the least of those that are there, or what was known when the last
 * one went. Kept in the status, so that a size that offers less than it promised is not bought by its promise again.
 */
export function learnedSizes(nodeGroup: NodeGroup, { nodes }: Pick<ClusterState, 'nodes'>): LearnedSize[] {
  const found = new Map<string, Record<string, string>>()
  for (const node of nodes) {
    const { allocatable } = node.status ?? {}
    const offering = offeringOf(node)
    const isOwn = node.metadata.labels?.[labels.nodeGroup] === nodeGroup.metadata.name
    if (!isOwn || !allocatable || offering === '' || !isReady(node)) continue
    found.set(offering, least(found.get(offering), allocatable))
  }
  const before = (nodeGroup.status?.sizes ?? []).filter(({ offering }) => !found.has(offering))
  const now = [...found].map(([offering, allocatable]) => ({ offering, allocatable }))
  return [...now, ...before].slice(0, mostSizes).sort((a, b) => (a.offering < b.offering ? -1 : 1))
}

function least(
  known: Record<string, string> | undefined,
  allocatable: Record<string, string | number>,
): Record<string, string> {
  const amount = (name: string, text: string | number) => parseUnits(text, `allocatable.${name}`)
  return Object.fromEntries(
    Object.entries(allocatable)
      .filter(([name]) => !known || known[name] !== undefined)
      .map(([name, text]) => {
        const other = known?.[name]
        const isLess = other !== undefined && amount(name, other) < amount(name, text)
        return [name, isLess ? other : String(text)]
      }),
  )
}
