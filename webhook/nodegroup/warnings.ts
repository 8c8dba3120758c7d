import { inactiveFields } from '../../common/api/adoption.ts'
import { annotations, labels } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { type Advice, none } from '../rule.ts'
import { templateMissing } from './provisioner.ts'
import { machinesOf, type Subject } from './rules.ts'

const notKnownYet: Advice<Subject> = {
  name: 'not-known-yet',
  says: 'while the watch caches are not filled, rules about other objects are skipped',
  warn({ surroundings }) {
    const isKnown = surroundings.nodeGroups() !== undefined && surroundings.vpsieNodes() !== undefined
    return isKnown
      ? none
      : ['other objects are not known yet: name, size pools and running machines were not checked']
  },
}

const unmanaged: Advice<Subject> = {
  name: 'unmanaged',
  says: `a NodeGroup without label ${labels.managed}=true is not acted on`,
  warn({ nodeGroup: { metadata } }) {
    return metadata.labels?.[labels.managed] === 'true'
      ? none
      : [`label ${labels.managed} is not "true": the NodeGroup is not acted on`]
  },
}

const inactive: Advice<Subject> = {
  name: 'inactive',
  says: `fields that the Go autoscaler never read are inactive on its NodeGroups until annotation ${annotations.adoptSettings}=true`,
  warn({ nodeGroup, old }) {
    if (!old) return none
    return inactiveFields(nodeGroup).map(
      (field) => `${field} is inactive until annotated ${annotations.adoptSettings}=true`,
    )
  },
}

const belowRunning: Advice<Subject> = {
  name: 'below-running',
  says: 'a maxNodes below the machines there are removes none by itself: they go when they are unneeded',
  warn({ nodeGroup, old, settings: { maxNodes }, surroundings }) {
    if (!old?.spec || maxNodes === undefined || old.spec.maxNodes === maxNodes) return none
    const machines = machinesOf(nodeGroup, surroundings)
    return machines > maxNodes
      ? [`spec.maxNodes ${maxNodes} is below the ${machines} machines there are; they go only when unneeded`]
      : none
  },
}

const clusterLimit: Advice<Subject> = {
  name: 'cluster-limit',
  says: 'the minNodes of all groups come to more than globalSettings.maxClusterWorkers of the AutoscalerConfig',
  warn({ nodeGroup, settings: { minNodes = 0 }, surroundings }) {
    const limit = surroundings.autoscalerConfig()?.spec?.globalSettings?.maxClusterWorkers
    if (!limit) return none
    const others = (surroundings.nodeGroups() ?? []).filter((other) => !isSame(other, nodeGroup))
    const sum = others.reduce((total, { spec }) => total + (spec?.minNodes ?? 0), minNodes)
    return sum > limit
      ? [`minNodes of all NodeGroups come to ${sum}, more than maxClusterWorkers ${limit} allows`]
      : none
  },
}

/** VPSie has one pool for each size of a cluster, so groups that share one cannot differ in these. */
const ofPool = ['kubernetesVersion', 'datacenterID', 'project'] as const

const poolConflict: Advice<Subject> = {
  name: 'pool-conflict',
  says: `two NodeGroups of one cluster that share a size share its pool at VPSie, and differ in ${ofPool.join(', ')}`,
  warn({ nodeGroup, settings, surroundings }) {
    const groups = surroundings.nodeGroups() ?? []
    return groups.flatMap((other) => {
      if (other.spec?.resourceIdentifier !== settings.resourceIdentifier || isSame(other, nodeGroup))
        return none
      const size = settings.offeringIDs?.find((entry) => other.spec.offeringIDs?.includes(entry))
      if (size === undefined) return none
      return ofPool
        .filter((name) => settings[name] !== other.spec[name])
        .map(
          (name) => `spec.${name} differs from NodeGroup ${other.metadata.name}, which shares size ${size}`,
        )
    })
  },
}

function isSame(one: NodeGroup, other: NodeGroup): boolean {
  return one.metadata.name === other.metadata.name && one.metadata.namespace === other.metadata.namespace
}

/** What is legal in a NodeGroup and worth a word. */
export const nodeGroupAdvice: readonly Advice<Subject>[] = [
  notKnownYet,
  unmanaged,
  belowRunning,
  clusterLimit,
  poolConflict,
  templateMissing,
  inactive,
]
