import { keyOf } from '../../common/kube/resources.ts'
import type { Action, NodeDecision, Plan, PodDecision, Reason } from '../decide/plan.ts'
import type { ClusterState } from '../decide/state.ts'

/** What has a verdict. */
export type SubjectKind = 'pod' | 'node' | 'group'

/** A new verdict. Of a group it is `current/target`. */
export interface Change {
  kind: SubjectKind
  /** `namespace/name`; of a node its name. */
  name: string
  verdict: string
  nodeGroup?: string
  offering?: string
  reasons: readonly Reason[]
}

/** What one decision changed. */
export interface DecisionRecord {
  /** Counts this leader's decisions from 1. */
  seq: number
  /** RFC 3339. */
  at: string
  decideMs: number
  actions: readonly Action[]
  monthlyCost: Plan['monthlyCost']
  changes: readonly Change[]
  /** How many changes are left out of `changes`, those of pods first. */
  omitted: number
}

/** A decision, with what it was made from. */
export interface Decision {
  seq: number
  state: ClusterState
  plan: Plan
}

/** The decisions of this leader: the last one whole, of those before what they changed. */
export interface Records {
  /** Undefined before the first decision, and on a replica that does not lead. */
  readonly last: Decision | undefined
  /** Oldest first; decisions that changed nothing are left out. */
  readonly history: readonly DecisionRecord[]
  /** Takes in a decision that took `decideMs`, and gives all that it changed. */
  keep(state: ClusterState, plan: Plan, decideMs: number): DecisionRecord
  /** When the subject got the verdict it has (RFC 3339), as far as this leader has seen; undefined if it has none. */
  since(kind: SubjectKind, name: string): string | undefined
  /** Calls `listener` after each decision, and when all are forgotten. Gives what ends that. */
  onDecision(listener: () => void): () => void
  /** Forgets everything: another replica leads from now on. */
  clear(): void
}

// A change takes about a kilobyte, so the whole log stays within a few megabytes.
const mostRecords = 500
const mostChanges = 2000
const mostOfOne = 200
const mostReasons = 12

interface Verdict {
  /** Two verdicts of one text are the same; figures inside the sentences may differ. */
  text: string
  since: string
}

/** Makes an empty log. It holds a bounded number of changes, and of verdicts only those of the last plan. */
export function createRecords(): Records {
  let seq = 0
  let last: Decision | undefined
  let actionsBefore = '[]'
  let verdicts = new Map<string, Verdict>()
  let history: DecisionRecord[] = []
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of listeners) listener()
  }

  function changesOf(state: ClusterState, plan: Plan): Change[] {
    const now = new Map<string, Verdict>()
    const changed: Change[] = []
    for (const { change, text, since = plan.at } of subjectsOf(state, plan)) {
      const key = `${change.kind}/${change.name}`
      const before = verdicts.get(key)
      if (before?.text === text) {
        now.set(key, before)
        continue
      }
      now.set(key, { text, since })
      changed.push(change)
    }
    verdicts = now
    return changed
  }

  return {
    get last() {
      return last
    },
    get history() {
      return history
    },
    keep(state, plan, decideMs) {
      const changes = changesOf(state, plan)
      const { at, actions, monthlyCost } = plan
      const record = { seq: ++seq, at, decideMs, actions, monthlyCost, changes, omitted: 0 }
      last = { seq, state, plan }
      const actionsNow = JSON.stringify(actions)
      if (changes.length > 0 || actionsNow !== actionsBefore) history = bounded([...history, short(record)])
      actionsBefore = actionsNow
      tell()
      return record
    },
    since: (kind, name) => verdicts.get(`${kind}/${name}`)?.since,
    onDecision(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    clear() {
      last = undefined
      actionsBefore = '[]'
      verdicts = new Map()
      history = []
      tell()
    },
  }
}

interface Subject {
  change: Change
  text: string
  since?: string | undefined
}

/** Groups, their nodes, and pods without a node: what is told of. */
function* subjectsOf(state: ClusterState, plan: Plan): Generator<Subject> {
  for (const { nodeGroup, current, target, reasons } of plan.groups) {
    const verdict = `${current}/${target}`
    yield { change: { kind: 'group', name: nodeGroup, verdict, reasons }, text: textOf(verdict, reasons) }
  }
  for (const decision of plan.nodes) if (decision.nodeGroup !== undefined) yield ofNode(decision)
  const uids = new Map(
    state.pods.flatMap((pod) => (pod.spec.nodeName ? [] : [[keyOf(pod), pod.metadata.uid]])),
  )
  // One that was made anew under its old name is another pod.
  for (const decision of plan.pods) if (uids.has(decision.pod)) yield ofPod(decision, uids.get(decision.pod))
}

function ofNode({ node, nodeGroup, verdict, reasons, since }: NodeDecision): Subject {
  // The first reason is the one that decides; the others come and go with the cluster around the node.
  return {
    change: { kind: 'node', name: node, verdict, ...(nodeGroup && { nodeGroup }), reasons },
    text: textOf(verdict, reasons.slice(0, 1)),
    since: verdict === 'keep' ? undefined : since,
  }
}

function ofPod(
  { pod, verdict, nodeGroup, offering, reasons }: PodDecision,
  uid: string | undefined,
): Subject {
  const change = {
    kind: 'pod' as const,
    name: pod,
    verdict,
    ...(nodeGroup && { nodeGroup }),
    ...(offering && { offering }),
    reasons,
  }
  return { change, text: textOf(`${uid} ${verdict} ${nodeGroup} ${offering}`, reasons) }
}

function textOf(verdict: string, reasons: readonly Reason[]): string {
  return [verdict, ...reasons.map(({ code, object }) => `${code}@${object ?? ''}`)].join(' ')
}

function short(record: DecisionRecord): DecisionRecord {
  const changes = record.changes
    .slice(0, mostOfOne)
    .map((change) => ({ ...change, reasons: change.reasons.slice(0, mostReasons) }))
  return { ...record, changes, omitted: record.changes.length - changes.length }
}

/** The newest records that stay within the bounds. */
function bounded(records: readonly DecisionRecord[]): DecisionRecord[] {
  let changes = 0
  const tooOld = records.findLastIndex((record, i) => {
    changes += record.changes.length
    return changes > mostChanges || records.length - i > mostRecords
  })
  return records.slice(tooOld + 1)
}
