import { wellKnown } from '../../common/api/names.ts'
import type { Cluster } from './cluster.ts'
import { daemonsFor } from './daemonsets.ts'
import type { Demand } from './demand.ts'
import { admits, fill, isPlain } from './fit/fit.ts'
import { type Lot, notePlaced, waiting } from './lots.ts'
import { add, at, cpu, isWithin, memory } from './resources.ts'
import type { Bin } from './shape/bins.ts'
import type { PodClass } from './shape/classes.ts'
import type { Tally } from './tally.ts'
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
  const labels = { ...template.draft.labels, [wellKnown.hostname]: 'a new node' }
  const sketch = world.sketch({ ...template.draft, labels, name: 'next', kind: 'new' })
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
  if (!isWithin(lot.pod.requests, sketch.free)) return false
  if (lot.headroomOf && lot.headroomOf !== group) return false
  if (lot.waitedMs < group.spec.scaleUpPolicy.stabilizationWindowSeconds * 1000) return false
  return admits(lot.pod, sketch, world)
}

/** Opens a real bin for the candidate, with its DaemonSets in place. */
export function openBin({ template, sketch, daemons }: Candidate, name: string, { world }: Cluster): Bin {
  const labels = { ...template.draft.labels, [wellKnown.hostname]: name }
  const bin = world.add({ ...template.draft, labels, name, kind: 'new' }, sketch.shape)
  for (const pod of daemons) world.place(pod, bin, 1)
  return bin
}

/** Takes back what `openBin` made; its pods must have left. */
export function closeBin({ daemons }: Candidate, bin: Bin, { world }: Cluster): void {
  for (const pod of daemons) world.place(pod, bin, -1)
  world.drop(bin)
}

/**
 * Fills one node of the candidate, largest pods first, and takes everything back. Each node gets one of the pods that
 * refuse each other's company by `apart`, for they need as many nodes in any case. Undefined if it holds nothing.
 */
export function tryCandidate(
  candidate: Candidate,
  demands: readonly Demand[],
  apart: Tally | undefined,
  cluster: Cluster,
): Trial | undefined {
  if (candidate.known?.content.every(({ lot, count }) => waiting(lot) >= count)) return candidate.known
  const { world } = cluster
  cluster.steps.take(demands.length)
  const bin = openBin(candidate, 'new', cluster)
  const content: { lot: Lot; count: number }[] = []
  let value = 0
  const put = ({ lot, floor }: Demand): boolean => {
    if (!isWithin(lot.pod.requests, bin.free) || !isHost(candidate, lot, cluster)) return false
    const count = fill(lot.pod, bin, waiting(lot), world)
    if (count === 0) return false
    content.push({ lot, count })
    value += count * floor
    return true
  }
  if (apart) demands.some((demand) => demand.apart.includes(apart) && put(demand))
  for (const demand of demands) {
    // Most fit no more once the node is nearly full.
    if (demand.cpu <= at(bin.free, cpu) && demand.memory <= at(bin.free, memory)) put(demand)
  }
  const waste =
    at(bin.free, cpu) / at(bin.allocatable, cpu) + at(bin.free, memory) / at(bin.allocatable, memory)
  for (const { lot, count } of content) world.place(lot.pod, bin, -count)
  closeBin(candidate, bin, cluster)
  candidate.lastScore = Number.POSITIVE_INFINITY
  if (content.length === 0) return undefined
  const { monthlyPrice } = candidate.template.offering
  const trial = { candidate, content, score: monthlyPrice === 0 ? 0 : monthlyPrice / value, waste }
  candidate.lastScore = trial.score
  candidate.known = content.every(({ lot }) => isPlain(lot.pod, world)) ? trial : undefined
  return trial
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
