import type { ReasonCode } from './reasons.ts'

/** Why a pod, node or group got its verdict: a fixed code, a sentence with the numbers, and whom it is about. */
export interface Reason {
  code: ReasonCode
  message: string
  object?: string
}

/** One thing to do. Times and money: monthly cost in the account's currency, rounded to cents. */
export interface Action {
  type: 'create' | 'remove' | 'replace' | 'raiseToMin'
  /** `namespace/name`. */
  nodeGroup: string
  offering?: string
  datacenter?: string
  count?: number
  /** Names of the Nodes to remove, sorted. */
  nodes?: string[]
  /** Change of the monthly cost by this action; negative when it saves. */
  monthlyCost: number
  reason: string
}

export type PodVerdict = 'bound' | 'fits' | 'scaleUp' | 'unschedulable' | 'ignored'

export interface PodDecision {
  /** `namespace/name`. */
  pod: string
  verdict: PodVerdict
  /** The Node it is on or will be put on; `new-N` for one yet to be. */
  node?: string
  nodeGroup?: string
  offering?: string
  reasons: Reason[]
}

export interface NodeDecision {
  node: string
  nodeGroup?: string
  verdict: 'keep' | 'remove' | 'replace'
  /** Pods to evict, `namespace/name`, sorted. */
  evict: string[]
  /** Where each of them fits; `to` is a Node or a `new-N`. */
  moves: { pod: string; to: string }[]
  reasons: Reason[]
  /** RFC 3339: since when the node is unneeded, and until when the verdict waits. */
  since?: string
  until?: string
}

export interface GroupDecision {
  nodeGroup: string
  /** Machines now, those on their way included, and after the plan. */
  current: number
  target: number
  /** After the plan. */
  monthlyCost: number
  reasons: Reason[]
}

export interface NewNode {
  /** `new-1`, `new-2`, … */
  name: string
  nodeGroup: string
  offering: string
  datacenter?: string
  pods: string[]
  monthlyPrice: number
}

/** The whole answer of one decision; also the contract of `simulate -o json`. */
export interface Plan {
  /** RFC 3339. */
  at: string
  actions: Action[]
  pods: PodDecision[]
  nodes: NodeDecision[]
  groups: GroupDecision[]
  newNodes: NewNode[]
  monthlyCost: { now: number; planned: number }
}
