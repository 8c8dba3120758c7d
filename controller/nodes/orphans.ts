import { isDeepStrictEqual } from 'node:util'
import { labels } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { claimOfNode, identitiesOf, isControlPlane, isOf } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { errorText, hasCode } from '../../common/errors.ts'
import type { KubeObject } from '../../common/kube/objects.ts'
import { keyOf, resources } from '../../common/kube/resources.ts'
import { patchStatus } from '../../common/kube/status.ts'
import type { ControllerDeps } from '../deps.ts'
import { managedNodeGroups } from '../observe/state.ts'
import { nameOf } from './claims.ts'
import { fleetOfGroup } from './fleet.ts'
import { type ClusterView, machineOf } from './machines.ts'
import type { Memory } from './memory.ts'
import { hasMachine, readOrder } from './record.ts'

/** Something that VPSie and the cluster do not agree about. Nothing is done about it here: it is told. */
export interface Orphan {
  kind: 'machine' | 'claim' | 'node' | 'list'
  /** What stands in the status of the NodeGroups it concerns. */
  line: string
  /** What the event is about; absent for what concerns a whole cluster, which is told on its NodeGroups. */
  object?: KubeObject
}

const eventReasons = {
  machine: 'UnclaimedMachine',
  claim: 'MachineMissing',
  node: 'NodeWithoutClaim',
  list: 'MachineListShort',
} as const

// A status is to be read by people, and etcd keeps every version of it for a while.
const mostLines = 20
// Two full lists at least, whatever the interval.
const missingForMs = 60_000

/**
 * Reports, after all clusters were listed, what does not match, each as a metric, an event when it comes up and a line
 * in the status of the NodeGroups: workers that no claim owns (made by hand, or left by something else), claims whose
 * machine lists lack, Nodes of ours without a claim, and lists that lack more than can be believed. Machines that one
 * of our own open orders may have made are not among them: their claims adopt them.
 */
export function createOrphanReport(
  deps: ControllerDeps,
  memory: Memory,
): (views: readonly ClusterView[], signal: AbortSignal) => Promise<void> {
  let told = new Set<string>()
  return async (views, signal) => {
    const now = new Set<string>()
    const counts = { machine: 0, claim: 0, node: 0, list: 0 }
    const byCluster = new Map(
      views.map((view) => [view.fleet.key, orphansOf(view, managedNodeGroups(deps), memory)]),
    )
    for (const orphan of [...byCluster.values()].flat()) counts[orphan.kind]++
    for (const nodeGroup of managedNodeGroups(deps)) {
      const view = views.find(({ fleet }) => fleet.key === fleetOfGroup(deps.provider, nodeGroup).key)
      if (!view) continue
      const nodes = nodesWithoutClaim(deps, nodeGroup, view)
      counts.node += nodes.length
      const all = [...(byCluster.get(view.fleet.key) ?? []), ...nodes].filter(
        ({ kind, object }) => kind !== 'claim' || isOf(object as VPSieNode, nodeGroup),
      )
      for (const orphan of all) tell(deps, nodeGroup, orphan, told, now)
      await writeLines(deps, nodeGroup, all, signal)
    }
    told = now
    deps.metrics.machines_unclaimed.set(counts.machine)
    deps.metrics.vpsienodes_without_machine.set(counts.claim)
    deps.metrics.nodes_without_vpsienode.set(counts.node)
    deps.metrics.machine_lists_short.set(counts.list)
  }
}

function orphansOf(view: ClusterView, nodeGroups: readonly NodeGroup[], memory: Memory): Orphan[] {
  const { kind, id } = view.fleet
  const of = kind === 'vm' ? `project ${id}` : `cluster ${id}`
  const list: Orphan = {
    kind: 'list',
    line: `VPSie's list of the machines of ${of} lacks more than can be believed; nothing is concluded from it`,
  }
  return [
    ...(view.suspicious ? [list] : []),
    ...unclaimedOf(view, nodeGroups).map(
      (identity): Orphan => ({
        kind: 'machine',
        line: `machine ${identity} of ${of} belongs to no VPSieNode; it is not touched`,
      }),
    ),
    ...(view.suspicious ? [] : claimsWithoutMachine(view, memory)),
  ]
}

function claimsWithoutMachine(view: ClusterView, memory: Memory): Orphan[] {
  return view.claims
    .filter((claim) => claim.metadata.deletionTimestamp === undefined && hasMachine(claim))
    .flatMap((claim): Orphan[] => {
      const what = `machine of ${claim.metadata.uid} is missing`
      if (machineOf(view, claim)) {
        memory.forget(what)
        return []
      }
      if (memory.patience(what) < missingForMs) return []
      const line = `VPSieNode ${claim.metadata.name}: VPSie lists its machine no more; it is replaced when its Node is dead`
      return [{ kind: 'claim', line, object: claim }]
    })
}

function nodesWithoutClaim(
  { caches }: ControllerDeps,
  nodeGroup: NodeGroup,
  { claims }: ClusterView,
): Orphan[] {
  return caches.nodes
    .list()
    .filter((node) => node.metadata.labels?.[labels.nodeGroup] === nodeGroup.metadata.name)
    .filter((node) => !isControlPlane(node) && claimOfNode(claims, node) === undefined)
    .map((node) => ({
      kind: 'node',
      line: `Node ${node.metadata.name} belongs to no VPSieNode; it is not touched`,
      object: node,
    }))
}

/**
 * Names of the view's workers that no claim owns and no open order may have made. A project has plain VPS for all
 * kinds of things, so there only those are named that are called like a machine of a NodeGroup.
 */
export function unclaimedOf(
  { fleet, machines, owned, claims }: ClusterView,
  nodeGroups: readonly NodeGroup[],
): string[] {
  const isOurs = (hostname: string) =>
    /-[0-9a-f]{8}$/.test(hostname) &&
    nodeGroups.some(({ metadata }) => metadata.name === hostname.slice(0, -9))
  const open = claims.flatMap((claim) => (hasMachine(claim) ? [] : (readOrder(claim) ?? [])))
  return machines
    .filter(
      ({ role, hostname = '' }) => role !== 'controlPlane' && (fleet.kind === 'managed' || isOurs(hostname)),
    )
    .filter((machine) => identitiesOf(machine).every((identity) => !owned.has(identity)))
    .filter(({ identity }) => open.every(({ baseline }) => baseline.has(identity)))
    .map(({ identity }) => identity)
    .sort()
}

function tell(
  { events, log }: ControllerDeps,
  nodeGroup: NodeGroup,
  { kind, line, object }: Orphan,
  told: ReadonlySet<string>,
  now: Set<string>,
): void {
  const key = `${keyOf(nodeGroup)} ${line}`
  now.add(key)
  if (told.has(key)) return
  events.record(object ?? nodeGroup, 'Warning', eventReasons[kind], line)
  log.warn('VPSie and the cluster do not match', { nodeGroup: keyOf(nodeGroup), kind, detail: line })
}

/** Brings `status.orphans` up to date; it has no other writer. */
async function writeLines(
  deps: ControllerDeps,
  nodeGroup: NodeGroup,
  orphans: readonly Orphan[],
  signal: AbortSignal,
): Promise<void> {
  const lines = orphans.map(({ line }) => line).slice(0, mostLines)
  if (isDeepStrictEqual(nodeGroup.status?.orphans ?? [], lines)) return
  try {
    await patchStatus(deps, resources.nodeGroups, nameOf(nodeGroup), { orphans: lines }, {}, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (!hasCode(error, 'NotFound'))
      deps.log.warn('could not report what does not match', {
        nodeGroup: keyOf(nodeGroup),
        error: errorText(error),
      })
  }
}
