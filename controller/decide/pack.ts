import { wellKnown } from '../../common/api/names.ts'
import type { Cluster } from './cluster.ts'
import { daemonsFor } from './daemonsets.ts'
import { admits, fill, isPlain } from './fit/fit.ts'
import { type Lot, notePlaced, waiting } from './lots.ts'
import { add, at, cpu, dominantShare, memory, timesIn } from './resources.ts'
import type { Bin } from './shape/bins.ts'
import type { PodClass } from './shape/classes.ts'
import type { Template } from './templates.ts'

/** A template that pods are tried on. */
export interface Candidate {
  readonly template: Template
  /** Its node, empty but for DaemonSets. */
  readonly sketch: Bin
  readonly daemons: readonly PodClass[]
  /** The last trial, while it would still come out the same. */
  known: Trial | undefined
  /** The last trial's score. As lots only shrink, the next one is hardly ever better. */
  lastScore: number
}

/** What one more node of a candidate would hold. */
export interface Trial {
  readonly candidate: Candidate
  readonly content: readonly { lot: Lot; count: number }[]
  /** Price of the node by the lowest price its pods could have had; 1 is perfect. */
  readonly score: number
  /** Shares of CPU and memory left unused. */
  readonly waste: number
}

const nobody: ReadonlySet<string> = new Set()

export function createCandidate(template: Template, { world, daemons }: Cluster): Candidate {
  const labels = { ...template.draft.labels, [wellKnown.hostname]: 'new' }
  const sketch = world.sketch({ ...template.draft, labels, name: 'new', kind: 'new' })
  const landing = daemonsFor(sketch, daemons, nobody, world)
  for (const pod of landing) {
    add(sketch.free, pod.requests, -1)
    sketch.ports.push(...pod.ports)
  }
  return { template, sketch, daemons: landing, known: undefined, lastScore: 0 }
}

/** True if the lot may be put on the candidate's group and its node could hold a pod of it, topology aside. */
export function isHost({ template, sketch }: Candidate, lot: Lot, { world }: Cluster): boolean {
  const { group } = template
  if (lot.headroomOf && lot.headroomOf !== group) return false
  if (lot.waitedMs < group.spec.scaleUpPolicy.stabilizationWindowSeconds * 1000) return false
  return timesIn(lot.pod.requests, sketch.free) >= 1 && admits(lot.pod, sketch, world)
}

/** Opens a real bin for the candidate, with its DaemonSets in place. */
export function openBin({ template, daemons }: Candidate, name: string, { world }: Cluster): Bin {
  const labels = { ...template.draft.labels, [wellKnown.hostname]: name }
  const bin = world.add({ ...template.draft, labels, name, kind: 'new' })
  for (const pod of daemons) world.place(pod, bin, 1)
  return bin
}

/** Fills one node of the candidate, largest pods first, and takes everything back. Undefined if it holds nothing. */
export function tryCandidate(
  candidate: Candidate,
  lots: readonly Lot[],
  floor: (lot: Lot) => number,
  cluster: Cluster,
): Trial | undefined {
  if (candidate.known?.content.every(({ lot, count }) => waiting(lot) >= count)) return candidate.known
  const { world } = cluster
  const bin = openBin(candidate, 'new', cluster)
  const content: { lot: Lot; count: number }[] = []
  for (const lot of lots) {
    if (!isHost(candidate, lot, cluster)) continue
    const count = fill(lot.pod, bin, waiting(lot), world)
    if (count > 0) content.push({ lot, count })
  }
  const waste =
    at(bin.free, cpu) / at(bin.allocatable, cpu) + at(bin.free, memory) / at(bin.allocatable, memory)
  for (const { lot, count } of content) world.place(lot.pod, bin, -count)
  for (const pod of candidate.daemons) world.place(pod, bin, -1)
  world.drop(bin)
  candidate.lastScore = Number.POSITIVE_INFINITY
  if (content.length === 0) return undefined
  const trial = { candidate, content, score: scoreOf(candidate, content, floor), waste }
  candidate.lastScore = trial.score
  candidate.known = content.every(({ lot }) => isPlain(lot.pod, world)) ? trial : undefined
  return trial
}

function scoreOf({ template }: Candidate, content: Trial['content'], floor: (lot: Lot) => number): number {
  const { monthlyPrice } = template.offering
  const value = content.reduce((sum, { lot, count }) => sum + count * floor(lot), 0)
  return monthlyPrice === 0 ? 0 : monthlyPrice / value
}

/** For each lot the lowest price one of its pods can have: its largest share of a node, times the node's price. */
export function floorPrices(candidates: readonly Candidate[], cluster: Cluster): (lot: Lot) => number {
  const known = new Map<PodClass, number>()
  const lowest = (lot: Lot) =>
    candidates
      .filter((candidate) => isHost(candidate, lot, cluster))
      .reduce(
        (least, { sketch, template }) =>
          Math.min(least, dominantShare(lot.pod.requests, sketch.free) * template.offering.monthlyPrice),
        Number.POSITIVE_INFINITY,
      )
  return (lot) => {
    const price = known.get(lot.pod) ?? lowest(lot)
    known.set(lot.pod, price)
    return price
  }
}

/** Puts a trial's content into a real bin, each pod only if it fits there; returns how many did. */
export function settle({ content }: Trial, bin: Bin, { world }: Cluster): number {
  let settled = 0
  for (const { lot, count } of content) {
    const placed = fill(lot.pod, bin, Math.min(count, waiting(lot)), world)
    notePlaced(lot, bin, placed)
    settled += placed
  }
  return settled
}
