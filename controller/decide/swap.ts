import type { Pod } from '../../common/kube/objects.ts'
import type { Candidate as Leaving } from './candidates.ts'
import type { Cluster } from './cluster.ts'
import { fill } from './fit/fit.ts'
import { priceOf } from './groups.ts'
import type { Limits } from './limits.ts'
import { type Lot, lotsOfMoved, notePlaced, waiting } from './lots.ts'
import { cents } from './money.ts'
import type { Candidate } from './pack.ts'
import type { Budgets } from './pdb.ts'
import { at, cpu, memory } from './resources.ts'
import { createShop, emptyShop, fillShop, type Purchase } from './scale-up.ts'
import type { Bin } from './shape/bins.ts'
import { moveSpare, type Spare } from './spare.ts'
import type { NodeUsage } from './state.ts'

/** Nodes whose pods have been put elsewhere in the world, on new machines among others. */
export interface Swap {
  readonly leaving: readonly Leaving[]
  readonly purchases: readonly Purchase[]
  readonly lots: readonly Lot[]
  /** Price of the nodes less that of the new machines, a month. */
  readonly savings: number
  /** Puts everything back as it was. */
  undo(): void
}

interface Parts {
  readonly cluster: Cluster
  readonly limits: Limits
  readonly candidates: readonly Candidate[]
  readonly destinations: readonly Bin[]
  readonly budgets: Budgets
  readonly spare: Spare
}

/**
 * Moves all pods of the nodes to where there is room and, for the rest, to new machines. Undefined, with the world as
 * it was, if some pod finds no place, no machine would be new, a PodDisruptionBudget keeps one of the nodes, or the new
 * machines are too small for what the nodes really use.
 */
export function emptyInto(leaving: readonly Leaving[], parts: Parts): Swap | undefined {
  const { cluster, limits, candidates, destinations, spare, budgets } = parts
  const { world, state } = cluster
  if (!leaving.every(({ evicted }) => allows(budgets, evicted))) return undefined
  for (const { bin, evicted } of leaving) {
    bin.closed = true
    for (const pod of evicted) world.place(world.classOf(pod), bin, -1)
  }
  const pods = leaving.flatMap(({ moved }) => moved)
  const lots = lotsOfMoved(cluster, pods)
  const shop = createShop(candidates, limits, cluster)
  for (const lot of lots) {
    for (const bin of destinations) notePlaced(lot, bin, fill(lot.pod, bin, waiting(lot), world))
  }
  const spares = leaving.map(({ bin }) => moveSpare(spare, bin, destinations, world))
  fillShop(lots, candidates, shop)

  const undo = () => {
    for (const { pod, places } of lots) for (const { bin, count } of places) world.place(pod, bin, -count)
    for (const moved of spares.toReversed()) moved.undo()
    emptyShop(shop)
    for (const { bin, evicted } of leaving) {
      for (const pod of evicted) world.place(world.classOf(pod), bin, 1)
      bin.closed = false
    }
  }
  const { purchases } = shop
  const isDone =
    purchases.length > 0 &&
    lots.every((lot) => waiting(lot) === 0) &&
    spares.every(({ homeless }) => homeless === 0) &&
    holdsUsage(leaving, purchases, cluster)
  const before = sum(leaving.map(({ member }) => priceOf(member, state.offerings)))
  const after = sum(purchases.map(({ candidate }) => candidate.template.offering.monthlyPrice))
  if (isDone) return { leaving, purchases, lots, savings: cents(before - after), undo }
  undo()
  return undefined
}

/** True if the budgets would let the pods of one node go now; those of several nodes go one after the other. */
function allows(budgets: Budgets, evicted: readonly Pod[]): boolean {
  const isRefused = budgets.take(evicted).length > 0
  if (!isRefused) budgets.giveBack(evicted)
  return !isRefused
}

// What a node really uses must find room too, with a tenth to spare.
const mostUse = 0.9

/** True if the new machines offer more than the old ones really use, as far as agents say. */
function holdsUsage(
  leaving: readonly Leaving[],
  purchases: readonly Purchase[],
  { state }: Cluster,
): boolean {
  if (!state.usage) return true
  const used = (place: number, percent: (usage: NodeUsage) => number) =>
    sum(
      leaving.map(
        ({ bin }) => (at(bin.allocatable, place) * percent(state.usage?.get(bin.name) ?? full)) / 100,
      ),
    )
  const offered = (place: number) => mostUse * sum(purchases.map(({ bin }) => at(bin.allocatable, place)))
  return (
    used(cpu, ({ cpuPercent }) => cpuPercent) <= offered(cpu) &&
    used(memory, ({ memoryPercent }) => memoryPercent) <= offered(memory)
  )
}

const full = { cpuPercent: 100, memoryPercent: 100 } as NodeUsage

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0)
}
