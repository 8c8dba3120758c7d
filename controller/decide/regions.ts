import type { Group } from './groups.ts'
import type { Template } from './templates.ts'

/** In which datacenters a group should grow next. It counts what is taken, so that a plan keeps to the shares. */
export interface Regions {
  /** The datacenters whose turn it is; undefined where the group has but one. */
  next(group: Group): ReadonlySet<string> | undefined
  /** How many machines in a row the datacenter may get before it is another's turn. */
  inRow(template: Template): number
  take(template: Template, count: number): void
}

/**
 * Follows `multiRegion.distributionStrategy`: balanced gives every datacenter the same number of nodes, weighted its
 * percentage, primary-backup all to the primary one. `candidates` are the templates that can be bought: a datacenter
 * without any is not waited for.
 */
export function createRegions(candidates: readonly { template: Template }[]): Regions {
  const places = new Map<Group, Map<string, number>>()
  for (const { template } of candidates) {
    const { group, datacenterID = '' } = template
    const counts = places.get(group) ?? new Map<string, number>()
    places.set(group, counts)
    if (!counts.has(datacenterID)) counts.set(datacenterID, nodesIn(group, datacenterID))
  }
  const turns = new Map<Group, ReadonlySet<string> | undefined>()
  const countsOf = (group: Group) => places.get(group) ?? new Map<string, number>()

  return {
    next(group) {
      if (turns.has(group)) return turns.get(group)
      const turn = turnOf(group, countsOf(group))
      turns.set(group, turn)
      return turn
    },
    inRow({ group, datacenterID = '' }) {
      const counts = countsOf(group)
      if (counts.size < 2) return Number.POSITIVE_INFINITY
      const own = counts.get(datacenterID) ?? 0
      let inRow = Number.POSITIVE_INFINITY
      for (const [place, count] of counts) {
        if (place === datacenterID) continue
        const other = filled(group, place, count)
        const step = filled(group, datacenterID, own + 1) - filled(group, datacenterID, own)
        if (step > 0) inRow = Math.min(inRow, (other - filled(group, datacenterID, own)) / step)
      }
      return Math.max(1, Math.ceil(inRow))
    },
    take({ group, datacenterID = '' }, count) {
      const counts = countsOf(group)
      counts.set(datacenterID, (counts.get(datacenterID) ?? 0) + count)
      turns.delete(group)
    },
  }
}

function turnOf(group: Group, counts: ReadonlyMap<string, number>): ReadonlySet<string> | undefined {
  if (counts.size < 2) return undefined
  const places = [...counts].map(([place, count]) => ({ place, value: filled(group, place, count) }))
  const least = Math.min(...places.map(({ value }) => value))
  return new Set(places.filter(({ value }) => value <= least + 1e-9).map(({ place }) => place))
}

function nodesIn({ staying }: Group, place: string): number {
  return staying.filter(({ datacenterID = '' }) => datacenterID === place).length
}

/** How full a datacenter is, by its share: the one that is least full is next. */
function filled({ spec }: Group, place: string, count: number): number {
  const { distributionStrategy = 'balanced', primaryDatacenter, ...rest } = spec.multiRegion ?? {}
  const { weightedDistribution = {}, minNodesPerRegion = 1 } = rest
  if (distributionStrategy === 'primary-backup') return place === primaryDatacenter ? -1 : count
  if (count < minNodesPerRegion) return count - minNodesPerRegion
  if (distributionStrategy === 'balanced') return count
  const weight = weightedDistribution[place] ?? 0
  return weight > 0 ? count / weight : Number.POSITIVE_INFINITY
}
