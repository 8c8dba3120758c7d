import { fill } from './fit/fit.ts'
import type { Bin } from './shape/bins.ts'
import type { PodClass } from './shape/classes.ts'
import type { World } from './world.ts'

/** Where headroom is kept. When its bin goes, it has to find room elsewhere like any pod. */
export type Spare = Map<Bin, Map<PodClass, number>>

export function noteSpare(spare: Spare, bin: Bin, pod: PodClass, count: number): void {
  const here = spare.get(bin) ?? new Map<PodClass, number>()
  here.set(pod, (here.get(pod) ?? 0) + count)
  spare.set(bin, here)
}

/**
 * Moves a bin's headroom to the destinations. Gives what undoes it, and how much found no room; the caller undoes
 * that too.
 */
export function moveSpare(
  spare: Spare,
  bin: Bin,
  destinations: readonly Bin[],
  world: World,
): { homeless: number; undo: () => void } {
  const moved: { pod: PodClass; to: Bin; count: number }[] = []
  const taken: { pod: PodClass; count: number }[] = []
  let homeless = 0
  for (const [pod, count] of spare.get(bin) ?? []) {
    if (count === 0) continue
    world.place(pod, bin, -count)
    noteSpare(spare, bin, pod, -count)
    taken.push({ pod, count })
    let left = count
    for (const to of destinations) {
      if (left === 0) break
      const placed = fill(pod, to, left, world)
      if (placed === 0) continue
      noteSpare(spare, to, pod, placed)
      moved.push({ pod, to, count: placed })
      left -= placed
    }
    homeless += left
  }
  const undo = () => {
    for (const { pod, to, count } of moved) {
      world.place(pod, to, -count)
      noteSpare(spare, to, pod, -count)
    }
    for (const { pod, count } of taken) {
      world.place(pod, bin, count)
      noteSpare(spare, bin, pod, count)
    }
  }
  return { homeless, undo }
}
