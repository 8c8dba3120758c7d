import type { Node, Pod } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { daemonName, daemonPod, daemonsFor, isDaemon } from './daemonsets.ts'
import { draftOfClaim, draftOfNode } from './drafts.ts'
import { compareText, type Group, readGroups } from './groups.ts'
import { type Headroom, headroomOf } from './headroom.ts'
import type { Member } from './members.ts'
import type { DecideOptions } from './options.ts'
import { isFinished } from './pods.ts'
import { resourceSpace } from './resources.ts'
import { labelsRead } from './shape/reads.ts'
import { readVolumes, volumeTermsOf } from './shape/volumes.ts'
import type { ClusterState } from './state.ts'
import type { TemplateSource } from './templates.ts'
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
