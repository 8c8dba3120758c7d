import { activeSettings, isAdopted } from '../../common/api/adoption.ts'
import { type EffectiveNodeGroup, effectiveNodeGroup } from '../../common/api/defaults.ts'
import { labels } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { groupNameOf } from '../../common/api/ownership.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { holdsPlace, indexNodes, isControlPlane, isLeaving, type Member, offeringOf } from './members.ts'
import type { DecideOptions } from './options.ts'
import type { ClusterState, Offering } from './state.ts'

/** A NodeGroup with its machines and everything that was left to defaults. */
export interface Group {
  /** `namespace/name`. */
  readonly key: string
  readonly object: NodeGroup
  readonly spec: EffectiveNodeGroup['spec']
  /** Every machine that exists or may exist, those that leave included; sorted by name. */
  readonly members: readonly Member[]
  /** Members that are not leaving. */
  readonly staying: readonly Member[]
  /** The sizes it may buy. */
  readonly offerings: readonly Offering[]
  /** Share of CPU and memory in percent up to which a node is underused, and for how long it must be. */
  readonly limits: { readonly cpuPercent: number; readonly memoryPercent: number; readonly windowMs: number }
  readonly isDeleted: boolean
}

/** The groups of a state in the order of their names, and which of them a Node belongs to. */
export function readGroups(state: ClusterState, options: DecideOptions): Group[] {
  const membersOf = readMembers(state)
  const named = indexOfferings(state.offerings)
  return [...state.nodeGroups]
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map((object) => readGroup(object, membersOf(object), named, state, options))
}

type Named = ReturnType<typeof indexOfferings>

function readGroup(
  object: NodeGroup,
  members: Member[],
  named: Named,
  state: ClusterState,
  options: DecideOptions,
): Group {
  const { spec } = effectiveNodeGroup(activeSettings(object), state.autoscalerConfig)
  const staying = members.filter((member) => !isLeaving(member))
  const offerings = resolveOfferings(spec, named)
  return {
    key: keyOf(object),
    object,
    spec,
    members,
    staying,
    offerings: spec.allowMixedInstances ? offerings : oneSize(offerings, spec, staying, isAdopted(object)),
    limits: limitsOf(object, state, options),
    isDeleted: object.metadata.deletionTimestamp !== undefined,
  }
}

/** Thresholds and window: the group's, else the config's, else the options'. */
function limitsOf(
  object: NodeGroup,
  { autoscalerConfig }: ClusterState,
  options: DecideOptions,
): Group['limits'] {
  const own = activeSettings(object).spec.scaleDownPolicy
  const preset = autoscalerConfig?.spec.nodeGroupDefaults?.scaleDownPolicy
  const percent = options['scale-down-utilization-threshold'] * 100
  const seconds = own?.stabilizationWindowSeconds ?? preset?.stabilizationWindowSeconds
  return {
    cpuPercent: own?.cpuThreshold ?? preset?.cpuThreshold ?? percent,
    memoryPercent: own?.memoryThreshold ?? preset?.memoryThreshold ?? percent,
    windowMs: seconds === undefined ? options['scale-down-unneeded-time'] : seconds * 1000,
  }
}

/** Finds what an entry of `offeringIDs` stands for: an id, else an identifier, else a name. */
function indexOfferings(offerings: readonly Offering[]): (entry: string) => readonly Offering[] {
  const index = (key: (offering: Offering) => string | undefined) =>
    Map.groupBy(offerings, (offering) => key(offering) ?? '')
  const maps = [index(({ id }) => id), index(({ identifier }) => identifier), index(({ name }) => name)]
  return (entry) =>
    entry === '' ? [] : (maps.map((map) => map.get(entry)).find((found) => found !== undefined) ?? [])
}

/** What `offeringIDs` stand for; `kubeSizeID` only if none of them is known. */
function resolveOfferings({ offeringIDs = [], kubeSizeID }: Group['spec'], named: Named): Offering[] {
  const found = offeringIDs.flatMap(named)
  const all = found.length > 0 || kubeSizeID === undefined ? found : named(String(kubeSizeID))
  return [...new Set(all)].sort(
    (a, b) => compareText(a.name, b.name) || compareText(a.datacenterID ?? '', b.datacenterID ?? ''),
  )
}

/** Without mixed sizes: the size the group has, else the preferred one, else the predecessor's choice, the first. */
function oneSize(
  offerings: readonly Offering[],
  spec: Group['spec'],
  staying: readonly Member[],
  adopted: boolean,
): readonly Offering[] {
  const [present] = staying
  const first = adopted ? undefined : spec.offeringIDs?.[0]
  const wanted = [present?.offering, spec.preferredInstanceType, first].find((name) =>
    offerings.some((offering) => isNamed(offering, name)),
  )
  return wanted === undefined ? offerings : offerings.filter((offering) => isNamed(offering, wanted))
}

function isNamed({ name, id, identifier }: Offering, wanted: string | undefined): boolean {
  return wanted !== undefined && wanted !== '' && (name === wanted || id === wanted || identifier === wanted)
}

function readMembers(state: ClusterState): (group: NodeGroup) => Member[] {
  const nodeOf = indexNodes(state.nodes)
  const claimed = new Map<string, string>()
  const byGroup = new Map<string, Member[]>()
  const note = (group: string, member: Member) => {
    const list = byGroup.get(group)
    if (list) list.push(member)
    else byGroup.set(group, [member])
  }
  for (const claim of [...state.vpsieNodes].sort((a, b) => compareText(keyOf(a), keyOf(b)))) {
    const node = nodeOf(claim)
    const isOther = node !== undefined && (isControlPlane(node) || claimed.has(node.metadata.name))
    if (node && !isOther) claimed.set(node.metadata.name, keyOf(claim))
    if (!holdsPlace(claim) && !node) continue
    const own = isOther ? undefined : node
    const group = groupNameOf(claim)
    const { instanceType: offering, datacenterID } = claim.spec
    note(group, { name: own?.metadata.name ?? claim.metadata.name, node: own, claim, offering, datacenterID })
  }
  for (const node of state.nodes) {
    const group = node.metadata.labels?.[labels.nodeGroup]
    if (group === undefined || claimed.has(node.metadata.name) || isControlPlane(node)) continue
    const datacenterID = node.metadata.labels?.[labels.datacenter]
    note(group, {
      name: node.metadata.name,
      node,
      claim: undefined,
      offering: offeringOf(node),
      datacenterID,
    })
  }
  return ({ metadata }) =>
    (byGroup.get(metadata.name) ?? [])
      .filter(({ claim }) => !claim || claim.metadata.namespace === metadata.namespace)
      .sort((a, b) => compareText(a.name, b.name))
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What a machine costs a month; 0 where the price list does not say. */
export function priceOf(
  { offering, datacenterID }: Pick<Member, 'offering' | 'datacenterID'>,
  offerings: readonly Offering[],
): number {
  const named = offerings.filter((one) => isNamed(one, offering))
  const here =
    named.find((one) => one.datacenterID === datacenterID) ??
    named.find((one) => one.datacenterID === undefined)
  return (here ?? named[0])?.monthlyPrice ?? 0
}
