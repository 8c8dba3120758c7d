import { annotations } from '../../common/api/names.ts'
import { toTimestamp } from '../../common/clock.ts'
import type { Node } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { type BlockerRules, staysBehind } from './blockers.ts'
import { assess, byEase, type Candidate } from './candidates.ts'
import type { Cluster } from './cluster.ts'
import type { Gate } from './gate.ts'
import { type Group, priceOf } from './groups.ts'
import { isControlPlane, isLeaving, isReady, type Member } from './members.ts'
import { type Budgets, createBudgets } from './pdb.ts'
import type { NodeDecision, Reason } from './plan.ts'
import { createPriority } from './pods.ts'
import { type Emptied, emptyNode, type Surroundings } from './removal.ts'
import { readReplacements } from './replacing.ts'
import type { Bin } from './shape/bins.ts'
import type { Spare } from './spare.ts'
import { type Wait, waitsOf } from './timing.ts'

/** What scale-up has done that removals must respect. */
export interface Growth {
  /** Keys of groups that buy in this plan. */
  readonly groups: ReadonlySet<string>
  /** Pods that will be put on bins that are there, by bin. */
  readonly received: ReadonlyMap<Bin, string>
  readonly spare: Spare
}

/** What became of the Nodes, and what a replacement by cheaper ones can start from. */
export interface Shrinkage {
  readonly decisions: Map<string, NodeDecision>
  /** Nodes that stay only because they are too full or because their pods fit nowhere else. */
  readonly replaceable: readonly Candidate[]
  readonly surroundings: Surroundings
}

/** Decides about every Node. `dead` are the verdicts made already. */
export function scaleDown(
  cluster: Cluster,
  growth: Growth,
  dead: readonly NodeDecision[],
  gate: Gate,
): Shrinkage {
  const { state, world } = cluster
  const decided = new Map(dead.map((decision) => [decision.node, decision]))
  const budgets = createBudgets(state.podDisruptionBudgets)
  const { candidates, full } = assessAll(cluster, budgets, decided)
  const ordered = candidates.sort(byEase(({ member }) => priceOf(member, state.offerings)))
  const surroundings = {
    destinations: destinationsOf(cluster, ordered),
    world,
    budgets,
    spare: growth.spare,
    steps: cluster.steps,
  }
  const removal = { cluster, gate, surroundings, received: new Map(growth.received) }
  makeRoomForLeaving(removal)
  for (const turn of inTurn(ordered, cluster, growth))
    decided.set(turn.candidate.bin.name, decideOne(turn, removal))
  const homeless = ordered.filter(({ bin }) => staysForRoom(decided.get(bin.name)))
  const replaceable = [...full, ...homeless].filter(({ bin }) => !removal.received.has(bin))
  return { decisions: decided, replaceable, surroundings }
}

/** True if the node stays because its pods fit nowhere else. That its group may not shrink is no matter: another comes. */
function staysForRoom(decision: NodeDecision | undefined): boolean {
  const [first, ...others] = decision?.reasons ?? []
  return (
    first?.code === 'NoPlaceToMove' &&
    others.every(({ code }) => code === 'NoPlaceToMove' || code === 'AtMin')
  )
}

/** Looks at each Node by itself: notes a verdict in `decided`, or finds a candidate. */
function assessAll(
  cluster: Cluster,
  budgets: Budgets,
  decided: Map<string, NodeDecision>,
): { candidates: Candidate[]; full: Candidate[] } {
  const { state, world, now } = cluster
  const workloads = new Map(state.workloads.map((workload) => [workload.metadata.uid ?? '', workload]))
  const priority = createPriority(state.priorityClasses)
  const replacements = readReplacements(cluster)
  const candidates: Candidate[] = []
  const full: Candidate[] = []
  for (const node of cluster.nodes) {
    const { name } = node.metadata
    if (decided.has(name)) continue
    const owner = cluster.memberOf.get(name)
    const bin = world.bin(name)
    const settled =
      settle(node, owner, cluster.problems.nodes.get(name)) ?? inReplacement(node, owner, replacements)
    if (settled) decided.set(name, settled)
    if (settled || !owner || !bin) continue
    const { group, member } = owner
    const rules: BlockerRules = { drain: group.spec.drain, budgets, workloads, priority, now }
    const replacement = replacements.byNode.get(name)
    const { candidate, reasons } = assess(node, group, member, bin, cluster, rules, replacement)
    if (reasons.length === 0) candidates.push(candidate)
    else decided.set(name, keep(node, group, [...reasons]))
    if (reasons.length > 0 && reasons.every(({ code }) => code === 'AboveThreshold')) full.push(candidate)
  }
  return { candidates, full }
}

/** Nodes of a replacement that is under way, which wait for each other. */
function inReplacement(
  node: Node,
  owner: { group: Group } | undefined,
  { byNode, waitsFor }: ReturnType<typeof readReplacements>,
): NodeDecision | undefined {
  const { name } = node.metadata
  const old = waitsFor.get(name)
  if (old !== undefined)
    return keep(node, owner?.group, [
      { code: 'UpcomingPods', message: `is to take pods of node ${old}, which it replaces`, object: old },
    ])
  const replacement = byNode.get(name)
  if (!replacement || replacement.isReady) return undefined
  const newcomers = replacement.newcomers.map((member) => member.name).join(', ')
  return {
    ...keep(node, owner?.group, [{ code: 'Replaced', message: `waits for ${newcomers} to take its pods` }]),
    verdict: 'replace',
  }
}

/** Cases about which nothing needs to be simulated; undefined if the node must be looked at. */
function settle(
  node: Node,
  owner: { group: Group; member: Member } | undefined,
  problem: string | undefined,
): NodeDecision | undefined {
  if (isControlPlane(node))
    return keep(node, undefined, [{ code: 'ControlPlane', message: 'is a node of the control plane' }])
  if (!owner)
    return keep(node, undefined, [
      { code: 'NotManaged', message: 'belongs to no NodeGroup that is looked after' },
    ])
  const { group, member } = owner
  if (problem !== undefined) return keep(node, group, [{ code: 'InvalidObject', message: problem }])
  if (isLeaving(member))
    return {
      ...keep(node, group, [{ code: 'AlreadyLeaving', message: 'its removal has begun' }]),
      ...sinceOf(node),
    }
  if (group.isDeleted)
    return keep(node, group, [{ code: 'AlreadyLeaving', message: 'its NodeGroup is being deleted' }])
  if (!isReady(node))
    return keep(node, group, [{ code: 'TooYoung', message: 'is on its way to become ready' }])
  return undefined
}

/** The note of a node that leaves stays as it is, should its removal be called off. */
function sinceOf({ metadata }: Node): { since?: string } {
  const since = metadata.annotations?.[annotations.unneededSince]
  return since === undefined ? {} : { since }
}

function keep({ metadata }: Node, group: Group | undefined, reasons: Reason[]): NodeDecision {
  return {
    node: metadata.name,
    ...(group ? { nodeGroup: group.key } : {}),
    verdict: 'keep',
    evict: [],
    moves: [],
    reasons,
  }
}

interface Removal {
  readonly cluster: Cluster
  readonly gate: Gate
  readonly surroundings: Surroundings
  /** Bins that take pods in this plan, with one of the pods. */
  readonly received: Map<Bin, string>
}

/** Where pods may move: ready nodes, those that stay for sure first, then the ones that would go last. */
function destinationsOf({ world }: Cluster, ordered: readonly Candidate[]): Bin[] {
  const candidates = new Set(ordered.map(({ bin }) => bin))
  const staying = world.bins.filter((bin) => bin.kind === 'node' && !candidates.has(bin))
  return [...staying, ...[...candidates].reverse().filter(({ kind }) => kind === 'node')]
}

/** The pods of nodes that are leaving already need room and evictions before anything else is planned. */
function makeRoomForLeaving({ cluster, surroundings, received }: Removal): void {
  for (const group of cluster.groups) {
    for (const member of group.members.filter(isLeaving)) {
      const bin = cluster.world.bin(member.name)
      if (!bin) continue
      const evicted = (cluster.podsOn.get(member.name) ?? []).filter((pod) => !staysBehind(pod))
      const emptied = emptyNode({ bin, evicted, moved: evicted }, surroundings)
      bin.closed = true
      if (!Array.isArray(emptied)) note(emptied, received)
    }
  }
}

function note({ moves }: Emptied, received: Map<Bin, string>): void {
  for (const { pod, to } of moves) if (!received.has(to)) received.set(to, keyOf(pod))
}

interface Turn {
  readonly candidate: Candidate
  readonly waits: readonly Wait[]
}

/** Those whose time has come first: what is removed now must not wait for what may be removed later. */
function inTurn(ordered: readonly Candidate[], cluster: Cluster, growth: Growth): Turn[] {
  const turns = ordered.map((candidate) => ({ candidate, waits: waitsOf(candidate, cluster, growth.groups) }))
  return [
    ...turns.filter(({ waits }) => waits.length === 0),
    ...turns.filter(({ waits }) => waits.length > 0),
  ]
}

function decideOne({ candidate, waits }: Turn, removal: Removal): NodeDecision {
  const { gate, received, surroundings } = removal
  const { bin, group, member, evicted, since } = candidate
  const base = { node: bin.name, nodeGroup: group.key, evict: [], moves: [] }
  const visitor = received.get(bin)
  if (visitor !== undefined) {
    return {
      ...base,
      verdict: 'keep',
      reasons: [{ code: 'UpcomingPods', message: 'is to take pods in this plan', object: visitor }],
    }
  }
  const emptied = emptyNode(candidate, surroundings)
  if (Array.isArray(emptied))
    return { ...base, verdict: 'keep', reasons: [...emptied, ...gate.holds(group, member)] }
  const unneeded = { ...base, since: toTimestamp(since) }
  const held = [...waits.map(({ reason }) => reason), ...gate.holds(group, member)]
  if (held.length > 0) {
    emptied.undo()
    const until = Math.max(...waits.map((wait) => wait.until ?? 0))
    return {
      ...unneeded,
      verdict: 'keep',
      reasons: held,
      ...(until > 0 ? { until: toTimestamp(until) } : {}),
    }
  }
  gate.note(group, member)
  note(emptied, received)
  const moves = emptied.moves
    .map(({ pod, to }) => ({ pod: keyOf(pod), to: to.name }))
    .sort((a, b) => (a.pod < b.pod ? -1 : 1))
  return {
    ...unneeded,
    verdict: 'remove',
    evict: evicted.map(keyOf).sort(),
    moves,
    reasons: [goneReason(candidate, member)],
  }
}

function goneReason({ evicted, utilization, replacement }: Candidate, { offering }: Member): Reason {
  if (replacement) {
    const newcomers = replacement.newcomers.map(({ name }) => name).join(', ')
    return { code: 'Replaced', message: `${newcomers} took its place for less` }
  }
  if (evicted.length === 0) return { code: 'Empty', message: 'runs nothing that would have to move' }
  const load = Math.round(Math.max(utilization.cpuPercent, utilization.memoryPercent))
  return {
    code: 'Underused',
    message: `${load} % of ${offering || 'it'} is requested, and ${evicted.length === 1 ? 'its pod fits' : `its ${evicted.length} pods fit`} elsewhere`,
  }
}
