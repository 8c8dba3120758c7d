import { counted } from '../../common/counted.ts'
import type { Pod } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { fill, refusal } from './fit/fit.ts'
import type { Budgets } from './pdb.ts'
import type { Reason } from './plan.ts'
import type { Bin } from './shape/bins.ts'
import type { PodClass } from './shape/classes.ts'
import { moveSpare, type Spare } from './spare.ts'
import type { Steps } from './steps.ts'
import type { World } from './world.ts'

/** A node taken out of the world with all its pods placed elsewhere. */
export interface Emptied {
  readonly moves: readonly { pod: Pod; to: Bin }[]
  /** Puts everything back as it was. */
  undo(): void
}

export interface Leaving {
  readonly bin: Bin
  readonly evicted: readonly Pod[]
  readonly moved: readonly Pod[]
}

export interface Surroundings {
  /** Bins that may take pods, in the order they are tried. */
  readonly destinations: readonly Bin[]
  readonly world: World
  readonly budgets: Budgets
  readonly spare: Spare
  readonly steps: Steps
}

/**
 * Empties a node in the world: its PodDisruptionBudgets must allow all evictions together with those already
 * planned, and every pod must fit on one of `destinations`. The node stays as a closed bin, so that topology counts
 * it as the scheduler will. Gives the reasons, and leaves the world unchanged, if it cannot be done.
 */
export function emptyNode(
  { bin, evicted, moved }: Leaving,
  { destinations, world, budgets, spare, steps }: Surroundings,
): Emptied | Reason[] {
  if (steps.isOver) return [steps.reason]
  const refused = budgets.take(evicted)
  if (refused.length > 0) return refused
  bin.closed = true
  for (const pod of evicted) world.place(world.classOf(pod), bin, -1)
  const moves: { pod: Pod; to: Bin }[] = []
  let undoSpare = () => {}
  const undo = () => {
    undoSpare()
    for (const { pod, to } of moves) world.place(world.classOf(pod), to, -1)
    for (const pod of evicted) world.place(world.classOf(pod), bin, 1)
    bin.closed = false
    budgets.giveBack(evicted)
  }
  for (const [pod, members] of byClass(moved, world)) {
    steps.take(destinations.length)
    const homeless = moveAll(pod, members, destinations, world, moves)
    if (homeless === undefined) continue
    const reason = noPlace(homeless, pod, destinations, world)
    undo()
    return [reason]
  }
  const headroom = moveSpare(spare, bin, destinations, world)
  undoSpare = headroom.undo
  if (headroom.homeless === 0) return { moves, undo }
  undo()
  return [
    {
      code: 'NoPlaceToMove',
      message: `headroom for ${counted(headroom.homeless, 'pod')} fits on no other node`,
    },
  ]
}

/** The pods by class, the largest first: what is hard to place is placed while there is room. */
function byClass(pods: readonly Pod[], world: World): [PodClass, Pod[]][] {
  const found = new Map<PodClass, Pod[]>()
  for (const pod of pods) {
    const of = world.classOf(pod)
    const members = found.get(of)
    if (members) members.push(pod)
    else found.set(of, [pod])
  }
  const size = ({ requests }: PodClass) => (requests[0] ?? 0) / 1000 + (requests[1] ?? 0) / 2 ** 32
  return [...found].sort(([a], [b]) => size(b) - size(a) || a.id - b.id)
}

/** Moves all pods of one class; returns the first that has no place. */
function moveAll(
  pod: PodClass,
  members: readonly Pod[],
  destinations: readonly Bin[],
  world: World,
  moves: { pod: Pod; to: Bin }[],
): Pod | undefined {
  let next = 0
  for (const to of destinations) {
    if (next === members.length) break
    const placed = fill(pod, to, members.length - next, world)
    for (const moved of members.slice(next, next + placed)) moves.push({ pod: moved, to })
    next += placed
  }
  return members[next]
}

function noPlace(pod: Pod, of: PodClass, destinations: readonly Bin[], world: World): Reason {
  const counts = new Map<string, number>()
  let open = 0
  for (const bin of destinations) {
    if (bin.closed) continue
    open++
    const code = refusal(of, bin, world) ?? 'NodeResourcesFit'
    counts.set(code, (counts.get(code) ?? 0) + 1)
  }
  const why = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, count]) => `${code} on ${count}`)
  const message =
    open === 0
      ? 'there is no other node it could move to'
      : `fits on none of ${counted(open, 'other node')}: ${why.join(', ')}`
  return { code: 'NoPlaceToMove', message, object: keyOf(pod) }
}
