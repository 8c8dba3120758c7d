import type { Reason } from '../decide/plan.ts'
import type { Change } from '../record/records.ts'

/** What can be asked about: `namespace/name` of a pod or NodeGroup, the name of a Node. */
export interface Subject {
  kind: 'pod' | 'node' | 'group'
  name: string
}

/** The whole answer of `GET /v1/explain`, the CLI and `simulate --explain`. Money is per month, in the account's currency. */
export interface Explanation extends Subject {
  /** As in the plan; of a group `current/target`. */
  verdict: string
  /** When this was decided, RFC 3339. */
  decidedAt: string
  /** Since when it has this verdict for this reason, as far as is known; and until when it waits. RFC 3339. */
  since?: string
  until?: string
  /** Where a pod is or goes, and in which group and size. */
  node?: string
  nodeGroup?: string
  offering?: string
  /** Of the subject: what a node costs, and a group after the plan. */
  monthlyCost?: number
  reasons: readonly Reason[]
  /** Pods of a node that goes, and where each has its place. */
  moves?: readonly { pod: string; to: string }[]
  /** Changes after which the same decision was made again: what would have come out. */
  wouldChange: readonly WhatIf[]
  /** What else there was to choose from. */
  considered: readonly Alternative[]
  /** What changed about it before, newest first. */
  history: readonly (Pick<Change, 'verdict' | 'reasons'> & { at: string })[]
}

/** What would have been decided, had something been otherwise. */
export interface WhatIf {
  /** What would be otherwise, in words that go on after "if". */
  if: string
  /** Whether the verdict would be another one. */
  helps: boolean
  verdict: string
  reasons: readonly Reason[]
  /** How the planned cost of the whole cluster would differ from the plan. */
  monthlyCost: number
}

/** One thing that could be done instead. */
export interface Alternative {
  what: string
  /** Whether this is what the plan does, could be done as well, or cannot. */
  verdict: 'chosen' | 'possible' | 'no'
  /** What it would add to the cost; negative if it saves. Absent where nothing is paid for it. */
  monthlyCost?: number
  reasons: readonly Reason[]
}
