import { wellKnown } from '../../common/api/names.ts'
import type { Cluster } from './cluster.ts'
import { type Lot, waiting } from './lots.ts'
import { type Candidate, isHost } from './pack.ts'
import { at, cpu, dominantShare, memory } from './resources.ts'
import type { Tally } from './tally.ts'

/** A lot that machines could be bought for, with what about it does not change while they are. */
export interface Demand {
  readonly lot: Lot
  /** What one of its pods asks for, at hand for the many looks at it: millicores and bytes. */
  readonly cpu: number
  readonly memory: number
  /** The lowest price a month that one of its pods can have: its largest share of a node, times the node's price. */
  readonly floor: number
  /** Where the pods are that it must not share a host with, its own among them. */
  readonly apart: readonly Tally[]
}

/** The demands of all lots that some candidate could hold, in their order. */
export function demandsOf(
  lots: readonly Lot[],
  candidates: readonly Candidate[],
  cluster: Cluster,
): Demand[] {
  const floors = new Map<string, number>()
  const found: Demand[] = []
  for (const lot of lots) {
    if (waiting(lot) === 0) continue
    const { pod, waitedMs, headroomOf } = lot
    const key = `${pod.kind} ${pod.requests.join()} ${waitedMs} ${headroomOf?.key}`
    const floor = floors.get(key) ?? floorOf(lot, candidates, cluster)
    floors.set(key, floor)
    if (Number.isFinite(floor))
      found.push({
        lot,
        cpu: at(pod.requests, cpu),
        memory: at(pod.requests, memory),
        floor,
        apart: apartOf(lot, cluster),
      })
  }
  return found
}

function floorOf(lot: Lot, candidates: readonly Candidate[], cluster: Cluster): number {
  let least = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    if (!isHost(candidate, lot, cluster)) continue
    const { sketch, template } = candidate
    least = Math.min(least, dominantShare(lot.pod.requests, sketch.free) * template.offering.monthlyPrice)
  }
  return least
}

function apartOf({ pod }: Lot, { world }: Cluster): Tally[] {
  return world
    .topologyOf(pod)
    .avoids.map(({ targets }) => targets)
    .filter((targets) => targets.topologyKey === wellKnown.hostname && targets.counted(pod))
}

// Found by trial on mixed workloads: a node dearer than this would take the pods that fill up the others.
const mostShares = 2

/**
 * What a node may cost while pods wait that refuse each other's company, and who of them are most: so many nodes are
 * needed in any case, and what else waits is best spread over them. Infinite where no pod does.
 */
export function fairShare(demands: readonly Demand[]): { price: number; apart: Tally | undefined } {
  const counts = new Map<Tally, number>()
  let value = 0
  for (const { lot, floor, apart } of demands) {
    value += waiting(lot) * floor
    for (const tally of apart) counts.set(tally, (counts.get(tally) ?? 0) + waiting(lot))
  }
  let most: { tally: Tally; nodes: number } | undefined
  for (const [tally, nodes] of counts) if (nodes > (most?.nodes ?? 0)) most = { tally, nodes }
  if (!most) return { price: Number.POSITIVE_INFINITY, apart: undefined }
  return { price: (mostShares * value) / most.nodes, apart: most.tally }
}
