import { maxNodeGroupName } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { isOf } from '../../common/api/ownership.ts'
import { duplicate, forbidden, invalid, unsupported } from '../../common/api/violation.ts'
import type { ReviewDeps } from '../paths.ts'
import { none, type Rule } from '../rule.ts'
import type { Settings } from '../settings/settings.ts'
import { provisionerRules } from './provisioner.ts'
import { regionRules } from './regions.ts'

/** A NodeGroup under review. */
export interface Subject extends Settings, ReviewDeps {
  nodeGroup: NodeGroup
  /** Before an update. */
  old: NodeGroup | undefined
}

const nameLength: Rule<Subject> = {
  name: 'name-length',
  fields: ['metadata.name'],
  says: `it has at most ${maxNodeGroupName} characters, as it becomes part of label values and VPSieNode names`,
  cel: [
    `the name of a NodeGroup must have at most ${maxNodeGroupName} characters: it becomes part of label values and VPSieNode names`,
  ],
  check({ nodeGroup: { metadata } }) {
    const { length } = metadata.name
    if (length <= maxNodeGroupName) return none
    const why = `must have at most ${maxNodeGroupName} characters, as it becomes part of label values and VPSieNode names: it has ${length}`
    return [invalid('metadata.name', metadata.name, why)]
  },
}

const namespace: Rule<Subject> = {
  name: 'namespace',
  fields: ['metadata.namespace'],
  says: 'it is one of --namespaces',
  check({ nodeGroup: { metadata }, namespaces }) {
    if (namespaces.includes(metadata.namespace ?? '')) return none
    return [unsupported('metadata.namespace', metadata.namespace ?? '', namespaces)]
  },
}

const uniqueName: Rule<Subject> = {
  name: 'name-unique',
  fields: ['metadata.name'],
  says: 'no other namespace has a NodeGroup of this name: Nodes tell their group by a label, which has no room for a namespace',
  check({ nodeGroup: { metadata }, surroundings }) {
    const twin = surroundings
      .nodeGroups()
      ?.find(
        (other) => other.metadata.name === metadata.name && other.metadata.namespace !== metadata.namespace,
      )
    if (!twin) return none
    const detail = `namespace ${twin.metadata.namespace} has a NodeGroup of this name: choose another`
    return [duplicate('metadata.name', metadata.name, detail)]
  },
}

const fixed = ['resourceIdentifier', 'datacenterID', 'project', 'provisioner'] as const

const whereMachinesAre: Rule<Subject> = {
  name: 'fixed-with-machines',
  fields: fixed,
  says: 'they do not change while the group has machines, because they say where those are',
  check({ nodeGroup, old, surroundings }) {
    if (!old?.spec) return none
    const before = old.spec
    const settingOf = (spec: NodeGroup['spec'], name: (typeof fixed)[number]) =>
      spec[name] ?? (name === 'provisioner' ? 'managed' : undefined)
    const changed = fixed.filter((name) => settingOf(nodeGroup.spec, name) !== settingOf(before, name))
    if (changed.length === 0) return none
    const machines = machinesOf(nodeGroup, surroundings)
    if (machines === 0) return none
    return changed.map((name) =>
      forbidden(
        `spec.${name}`,
        `cannot change from "${settingOf(before, name)}" while the group has machines: it has ${machines}`,
      ),
    )
  },
}

/** How many machines the group has; none while that is not known. */
export function machinesOf(nodeGroup: NodeGroup, { vpsieNodes }: ReviewDeps['surroundings']): number {
  return (vpsieNodes() ?? []).filter((claim) => isOf(claim, nodeGroup)).length
}

/** What a NodeGroup is held to, besides the schema and the rules of its settings. */
export const nodeGroupRules: readonly Rule<Subject>[] = [
  nameLength,
  namespace,
  uniqueName,
  whereMachinesAre,
  ...provisionerRules,
  ...regionRules,
]
