import { labels, wellKnown } from '../../common/api/names.ts'
import type { Node } from '../../common/kube/objects.ts'
import type { Cluster } from './cluster.ts'
import type { Group } from './groups.ts'
import { isReady, type Member } from './members.ts'
import type { BinDraft } from './shape/bins.ts'
import { isStarting } from './starting.ts'
import { draftOf, nodeAllocatable } from './templates.ts'

const untilReady =
  /^node\.kubernetes\.io\/(not-ready|unreachable|network-unavailable)$|^node\.cloudprovider\.kubernetes\.io\/uninitialized$/

/** The bin of a Node as it is, or as it will be once what holds it back for a while has passed. */
export function draftOfNode(node: Node, cluster: Cluster): BinDraft {
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

/** The bin of a machine that was ordered and has no Node yet; none if it cannot be counted on. */
export function draftOfClaim(member: Member, group: Group, cluster: Cluster): BinDraft[] {
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
