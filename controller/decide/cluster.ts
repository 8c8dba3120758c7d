import { labels, wellKnown } from '../../common/api/names.ts'
import type { Node, Pod } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { daemonName, daemonPod, daemonsFor, isDaemon } from './daemonsets.ts'
import { compareText, type Group, readGroups } from './groups.ts'
import { type Headroom, headroomOf } from './headroom.ts'
import { bornAt, isReady, type Member } from './members.ts'
import type { DecideOptions } from './options.ts'
import { isFinished } from './pods.ts'
import { resourceSpace } from './resources.ts'
import type { BinDraft } from './shape/bins.ts'
import { labelsRead } from './shape/reads.ts'
import { readVolumes, volumeTermsOf } from './shape/volumes.ts'
import type { ClusterState } from './state.ts'
import { draftOf, nodeAllocatable, type TemplateSource } from './templates.ts'
import { createWorld, type World } from './world.ts'

/** A state made ready for deciding: everything sorted, counted and linked once. */
export interface Cluster {
  readonly state: ClusterState
  readonly options: DecideOptions
  readonly now: number
  readonly groups: readonly Group[]
  /** By the name of the Node, or of the claim while there is none. */
  readonly memberOf: ReadonlyMap<string, { group: Group; member: Member }>
  readonly world: World
  /** All Nodes in the order of their names. */
  readonly nodes: readonly Node[]
  /** All pods in the order of their keys. */
  readonly pods: readonly Pod[]
  /** Unfinished pods by node. */
  readonly podsOn: ReadonlyMap<string, readonly Pod[]>
  readonly daemons: readonly Pod[]
  readonly headroom: readonly Headroom[]
  readonly source: TemplateSource
}

export function readCluster(state: ClusterState, options: DecideOptions, now: number): Cluster {
  const groups = readGroups(state, options)
  const pods = sorted(state.pods)
  const active = pods.filter((pod) => !isFinished(pod))
  const podsOn = byNode(active)
  const memberOf = new Map(
    groups.flatMap((group) => group.members.map((member) => [member.name, { group, member }])),
  )
  const daemons = sorted(state.daemonSets).map(daemonPod)
  const headroom = groups
    .map((group) => headroomOf(group, movableOf(group, podsOn)))
    .filter((one) => one !== undefined)
  const all = [...active, ...daemons, ...headroom.map(({ pod }) => pod)]
  const space = resourceSpace(all.map(({ spec }) => spec))
  const world = createWorld({
    space,
    read: labelsRead(all, volumeTermsOf(state)),
    volumes: readVolumes(state),
    pods: all,
    namespaces: new Map(
      sorted(state.namespaces).map(({ metadata }) => [metadata.name, metadata.labels ?? {}]),
    ),
  })
  const source = { space, options, csiNodes: state.csiNodes }
  const nodes = sorted(state.nodes)
  const cluster = {
    state,
    options,
    now,
    groups,
    memberOf,
    world,
    nodes,
    pods,
    podsOn,
    daemons,
    headroom,
    source,
  }
  addBins(cluster, active)
  return cluster
}

function sorted<T extends Pod | Node>(objects: readonly T[]): T[]
function sorted<T extends { metadata: { name: string; namespace?: string } }>(objects: readonly T[]): T[]
function sorted<T extends { metadata: { name: string; namespace?: string } }>(objects: readonly T[]): T[] {
  return objects
    .map((object) => ({ key: keyOf(object), object }))
    .sort((a, b) => compareText(a.key, b.key))
    .map(({ object }) => object)
}

function byNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const found = new Map<string, Pod[]>()
  for (const pod of pods) {
    const { nodeName } = pod.spec
    if (!nodeName) continue
    const list = found.get(nodeName)
    if (list) list.push(pod)
    else found.set(nodeName, [pod])
  }
  return found
}

function movableOf({ members }: Group, podsOn: Cluster['podsOn']): Pod[] {
  return members.flatMap(({ name }) => podsOn.get(name) ?? []).filter((pod) => !isDaemon(pod))
}

/** Puts every Node and every machine on its way into the world, with the pods that are there. */
function addBins(cluster: Cluster, active: readonly Pod[]): void {
  const { world, nodes, groups, daemons, podsOn } = cluster
  const drafts = [
    ...nodes.map((node) => draftOfNode(node, cluster)),
    ...groups.flatMap((group) => group.staying.flatMap((member) => draftOfClaim(member, group, cluster))),
  ]
  for (const draft of drafts) world.add(draft)
  for (const pod of active) {
    const place = world.bin(pod.spec.nodeName || pod.status?.nominatedNodeName || '')
    if (place) world.place(world.classOf(pod), place, 1)
  }
  for (const bin of world.bins) {
    const present = new Set((podsOn.get(bin.name) ?? []).map((pod) => daemonName(pod) ?? ''))
    for (const pod of daemonsFor(bin, daemons, present, world)) world.place(pod, bin, 1)
  }
}

const untilReady =
  /^node\.kubernetes\.io\/(not-ready|unreachable|network-unavailable)$|^node\.cloudprovider\.kubernetes\.io\/uninitialized$/

function draftOfNode(node: Node, cluster: Cluster): BinDraft {
  const { name, labels: has = {} } = node.metadata
  const owner = cluster.memberOf.get(name)
  const starting = owner !== undefined && isStarting(owner.member, cluster)
  const taints = node.spec?.taints ?? []
  const startup = owner?.group.spec.startupTaints ?? []
  const isPassing = (key: string, effect: string) =>
    startup.some((one) => one.key === key && one.effect === effect) || (starting && untilReady.test(key))
  const lasting = taints.filter(({ key, effect }) => !isPassing(key, effect))
  const isDown = !isReady(node) && !starting
  return {
    name,
    labels: { [wellKnown.hostname]: name, ...has },
    // What the node lifecycle controller puts there, in case it has not come to it yet.
    taints: isDown ? [...lasting, { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] : lasting,
    unschedulable: node.spec?.unschedulable === true,
    allocatable: allocatableOfNode(node, owner, cluster),
    kind: starting || lasting.length < taints.length ? 'upcoming' : 'node',
    ...(owner ? { nodeGroup: owner.group.key } : {}),
    attachLimits: attachLimitsOf(name, cluster),
  }
}

/** A kubelet that has just registered may not have said yet what it offers. */
function allocatableOfNode(
  { metadata, status }: Node,
  owner: { group: Group; member: Member } | undefined,
  cluster: Cluster,
) {
  const offering = owner?.group.offerings.find(({ name }) => name === owner.member.offering)
  if (!status?.allocatable && owner && offering) {
    return draftOf(owner.group, offering, owner.member.datacenterID, cluster.source).allocatable
  }
  return nodeAllocatable(
    cluster.source.space,
    status?.allocatable ?? status?.capacity,
    `Node ${metadata.name} status.allocatable`,
  )
}

function attachLimitsOf(node: string, { state }: Cluster): Map<string, number> {
  const drivers = state.csiNodes.find(({ metadata }) => metadata.name === node)?.spec.drivers ?? []
  return new Map(
    drivers.flatMap(({ name, allocatable }) =>
      allocatable?.count === undefined ? [] : [[name, allocatable.count]],
    ),
  )
}

function draftOfClaim(member: Member, group: Group, cluster: Cluster): BinDraft[] {
  if (member.node || !isStarting(member, cluster)) return []
  const offering =
    group.offerings.find(({ name }) => name === member.offering) ??
    cluster.state.offerings.find(({ name }) => name === member.offering)
  if (!offering) return []
  const draft = draftOf(group, offering, member.datacenterID, cluster.source)
  return [
    {
      ...draft,
      name: member.name,
      kind: 'upcoming',
      labels: { ...draft.labels, [wellKnown.hostname]: member.name, [labels.vpsieNode]: member.name },
    },
  ]
}

/** True for a machine on its way that can still be counted on. */
export function isStarting(member: Member, cluster: Pick<Cluster, 'now' | 'options' | 'state'>): boolean {
  const { node, claim } = member
  if (node && isReady(node)) return false
  const phase = claim?.status?.phase
  if (phase === 'Failed' || (node && phase === 'Ready')) return false
  const since = bornAt(member) ?? (node ? 0 : cluster.now)
  return cluster.now - since < provisionTimeMs(cluster)
}

/** How long a machine may take from its order to a ready Node. */
export function provisionTimeMs({ state, options }: Pick<Cluster, 'options' | 'state'>): number {
  const seconds = state.autoscalerConfig?.spec.globalSettings?.nodeReadyTimeoutSeconds
  return seconds === undefined ? options['max-node-provision-time'] : seconds * 1000
}
