import { wellKnown } from '../../../common/api/names.ts'
import type { Taint } from '../../../common/kube/objects.ts'
import type { Vector } from '../resources.ts'
import type { Labels } from '../selectors.ts'
import { only } from './classes.ts'
import type { HostPort } from './ports.ts'

/** What a place for pods is made from: a Node as it is, one on its way, or one that could be bought. */
export interface BinDraft {
  readonly name: string
  readonly labels: Labels
  readonly taints: readonly Taint[]
  readonly unschedulable: boolean
  readonly allocatable: Vector
  /** `node`: pods can move there now. `upcoming`: later, nobody is evicted for it. `new`: would have to be bought. */
  readonly kind: 'node' | 'upcoming' | 'new'
  /** `namespace/name` of its NodeGroup. */
  readonly nodeGroup?: string
  /** How many volumes of a driver can be attached; an absent driver has no known limit. */
  readonly attachLimits: ReadonlyMap<string, number>
}

/** A place for pods with what is left of it. */
export interface Bin extends BinDraft {
  /** Number of its shape: equal for bins that node filters cannot tell apart but by name. */
  readonly shape: number
  readonly free: Vector
  readonly ports: HostPort[]
  /** Volumes by driver. */
  readonly attached: Map<string, number>
  /** Pods by claim that several use. */
  readonly sharing: Map<string, number>
  /** Leaves: takes no pods, but is still a domain of topology. */
  closed: boolean
}

/** Gives equal numbers to bins of equal labels (of those read), taints and cordon. */
export function createShapes(read: ReadonlySet<string>): (draft: BinDraft) => number {
  const shapes = new Map<string, number>()
  const keys = new Set([...read].filter((key) => key !== wellKnown.hostname).sort())
  return ({ labels, taints, unschedulable }) => {
    const marks = taints.map(({ key, value = '', effect }) => `${key}=${value}:${effect}`).sort()
    const text = JSON.stringify([only(labels, keys), marks, unschedulable])
    const known = shapes.get(text)
    if (known !== undefined) return known
    shapes.set(text, shapes.size)
    return shapes.size - 1
  }
}
