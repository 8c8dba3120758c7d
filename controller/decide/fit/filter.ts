import type { FitReason } from '../reasons.ts'
import type { Bin } from '../shape/bins.ts'
import type { PodClass } from '../shape/classes.ts'
import type { World } from '../world.ts'

/** One rule of kube-scheduler, under the name of its plugin. */
export interface Filter {
  readonly code: FitReason
  /** True if no pod of the class may be put into the bin as it is now. */
  refuses(pod: PodClass, bin: Bin, world: World): boolean
  /** Why it refuses, in a sentence with the numbers. */
  explain(pod: PodClass, bin: Bin, world: World): string
}
