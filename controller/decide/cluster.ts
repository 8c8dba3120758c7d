import { InputError } from '../../common/errors.ts'
import type { KubeObject, Node, Pod } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { daemonName, daemonPod, daemonsFor, isDaemon } from './daemonsets.ts'
import { draftOfClaim, draftOfNode } from './drafts.ts'
import { compareText, type Group, readGroups } from './groups.ts'
import { type Headroom, headroomOf } from './headroom.ts'
import type { Member } from './members.ts'
import type { DecideOptions } from './options.ts'
import { isFinished } from './pods.ts'
import { resourceSpace } from './resources.ts'
import { furtherResources, labelsRead } from './shape/reads.ts'
import { readVolumes, volumeTermsOf } from './shape/volumes.ts'
import type { ClusterState } from './state.ts'
import { createSteps, type Steps } from './steps.ts'
import type { TemplateSource } from './templates.ts'
import { createWorld, type World } from './world.ts'

/** Objects that cannot be understood, and why. They are told, and all others are decided about. */
export interface Problems {
  readonly pods: ReadonlyMap<Pod, string>
  /** By name, for the Node itself or a pod on it. Such a node is kept and gets no pods. */
  readonly nodes: ReadonlyMap<string, string>
  readonly daemonSets: readonly string[]
}

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
  readonly problems: Problems
  /** Unfinished pods by node, but for those that are a problem. */
  readonly podsOn: ReadonlyMap<string, readonly Pod[]>
  readonly daemons: readonly Pod[]
  readonly headroom: readonly Headroom[]
  readonly source: TemplateSource
  readonly steps: Steps
}

export function readCluster(state: ClusterState, options: DecideOptions, now: number): Cluster {
  const groups = readGroups(state, options)
  const pods = sorted(state.pods)
  const active = pods.filter((pod) => !isFinished(pod))
  const daemons = sorted(state.daemonSets).map(daemonPod)
  const onNodes = byNode(active)
  const headroom = groups
    .map((group) => headroomOf(group, () => movableOf(group, onNodes)))
    .filter((one) => one !== undefined)
  const all = [...active, ...daemons, ...headroom.map(({ pod }) => pod)]
  const space = resourceSpace(furtherResources(all))
  const world = createWorld({
    space,
    read: labelsRead(all, volumeTermsOf(state)),
    volumes: readVolumes(state, active),
    pods: all,
    namespaces: new Map(
      sorted(state.namespaces).map(({ metadata }) => [metadata.name, metadata.labels ?? {}]),
    ),
  })
  const { invalid } = world
  const valid = invalid.size === 0 ? active : active.filter((pod) => !invalid.has(pod))
  const nodeProblems = new Map<string, string>()
  for (const [pod, problem] of invalid) if (pod.spec.nodeName) nodeProblems.set(pod.spec.nodeName, problem)
  const cluster = {
    state,
    options,
    now,
    groups,
    memberOf: new Map(
      groups.flatMap((group) => group.members.map((member) => [member.name, { group, member }])),
    ),
    world,
    nodes: sorted(state.nodes),
    pods,
    problems: {
      pods: invalid,
      nodes: nodeProblems,
      daemonSets: daemons.flatMap((pod) => invalid.get(pod) ?? []),
    },
    podsOn: valid === active ? onNodes : byNode(valid),
    daemons: daemons.filter((pod) => !invalid.has(pod)),
    headroom: headroom.filter(({ pod }) => !invalid.has(pod)),
    source: { space, options, csiNodes: state.csiNodes },
    steps: createSteps(options['max-decision-steps']),
  }
  addBins(cluster, valid, nodeProblems)
  return cluster
}

/** The objects by key. Lists that are in order already, as those of a watch cache are, cost only the look. */
function sorted<T extends KubeObject>(objects: readonly T[]): readonly T[] {
  if (isSorted(objects)) return objects
  return objects
    .map((object) => ({ key: keyOf(object), object }))
    .sort((a, b) => compareText(a.key, b.key))
    .map(({ object }) => object)
}

function isSorted(objects: readonly KubeObject[]): boolean {
  for (let i = 1; i < objects.length; i++) {
    const [a, b] = [objects[i - 1] as KubeObject, objects[i] as KubeObject]
    // Most neighbours are of one namespace, and then no key has to be put together.
    const isSame = a.metadata.namespace === b.metadata.namespace
    if (isSame ? a.metadata.name > b.metadata.name : keyOf(a) > keyOf(b)) return false
  }
  return true
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
function addBins(cluster: Cluster, active: readonly Pod[], nodeProblems: Map<string, string>): void {
  const { world, nodes, groups, daemons, podsOn } = cluster
  const drafts = [
    ...nodes.flatMap((node) => understood(node, nodeProblems, () => draftOfNode(node, cluster)) ?? []),
    ...groups.flatMap((group) => group.staying.flatMap((member) => draftOfClaim(member, group, cluster))),
  ]
  for (const draft of drafts) world.add(draft)
  for (const pod of active) {
    const place = world.bin(pod.spec.nodeName || pod.status?.nominatedNodeName || '')
    if (place) world.place(world.classOf(pod), place, 1)
  }
  for (const bin of world.bins) {
    bin.closed = nodeProblems.has(bin.name)
    const present = new Set<string>()
    if (daemons.length > 0) for (const pod of podsOn.get(bin.name) ?? []) present.add(daemonName(pod) ?? '')
    for (const pod of daemonsFor(bin, daemons, present, world)) world.place(pod, bin, 1)
  }
}

function understood<T>({ metadata }: Node, problems: Map<string, string>, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    problems.set(metadata.name, error.message)
    return undefined
  }
}
