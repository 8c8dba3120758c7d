import type { Plan, Reason } from '../../decide/plan.ts'
import type { Subject } from '../explanation.ts'
import type { Verdict } from '../subject.ts'
import { type Edit, type Situation, withoutHeadroom } from './situation.ts'

/** Something that could be otherwise. Whether it helps is for the decision to say. */
export interface Remedy {
  /** In words that go on after "if". */
  if: string
  edit: Edit
}

/** What remedies are looked for with. */
export interface Context {
  readonly situation: Situation
  readonly subject: Subject
  readonly verdict: Verdict
  readonly reason: Reason
  /** The plan of the same cluster with something otherwise; undefined once the explanation has cost enough. */
  replan(edit: Edit): Promise<Plan | undefined>
}

/** Looks for what could be otherwise about one reason; the likeliest first. */
export type Remedies = (context: Context) => readonly Remedy[] | Promise<readonly Remedy[]>

/** That the NodeGroup keeps no room spare. */
export function lessHeadroom(key: string): Remedy[] {
  return [{ if: `NodeGroup ${key} had no headroom`, edit: withoutHeadroom(key) }]
}
