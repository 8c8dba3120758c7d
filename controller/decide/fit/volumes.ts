import { matchesAnyTerm, requirementText } from '../selectors.ts'
import type { Bin } from '../shape/bins.ts'
import type { PodClass } from '../shape/classes.ts'
import { type Attachment, zoneKeys } from '../shape/volumes.ts'
import type { Filter } from './filter.ts'

/** Volumes that exist must be reachable from the node, and those that do not must be makeable there. */
export const volumeBinding: Filter = {
  code: 'VolumeBinding',
  refuses: ({ volumes }, bin) =>
    volumes.refusal !== undefined ||
    volumes.terms.some((terms) => !matchesAnyTerm(terms, bin.labels, bin.name)),
  explain({ volumes }, bin) {
    if (volumes.refusal !== undefined) return volumes.refusal
    const missed = volumes.terms.find((terms) => !matchesAnyTerm(terms, bin.labels, bin.name)) ?? []
    const texts = missed.map(({ matchExpressions = [], matchFields = [] }) =>
      [...matchExpressions, ...matchFields].map(requirementText).join(' and '),
    )
    return `a volume is bound to nodes with ${texts.join(' or ')}`
  },
}

/** Zone and region labels of a volume must be the node's. */
export const volumeZone: Filter = {
  code: 'VolumeZone',
  refuses: (pod, bin) => missedZone(pod, bin) !== undefined,
  explain(pod, bin) {
    const zone = missedZone(pod, bin)
    return `a volume is in ${zone?.key} ${zone?.values.join(' or ')}, the node in ${bin.labels[zone?.key ?? ''] ?? 'none'}`
  },
}

// A node without any zone or region label passes, as in a cluster of one zone (k8s.io/kubernetes volumezone plugin).
function missedZone({ volumes }: PodClass, { labels }: Bin) {
  if (!zoneKeys.some((key) => key in labels)) return undefined
  return volumes.zones.find(({ key, values }) => !values.includes(labels[key] ?? ''))
}

/** A volume that only one pod may use at a time must be free, wherever its pod runs. */
export const volumeRestrictions: Filter = {
  code: 'VolumeRestrictions',
  refuses: ({ volumes }, _bin, { users }) => volumes.exclusive.some((claim) => (users.get(claim) ?? 0) > 0),
  explain({ volumes }, _bin, { users }) {
    const taken = volumes.exclusive.find((claim) => (users.get(claim) ?? 0) > 0)
    return `PersistentVolumeClaim ${taken} is ReadWriteOncePod and used by another pod`
  },
}

/** No more volumes of a driver than CSINode says the node can attach. */
export const nodeVolumeLimits: Filter = {
  code: 'NodeVolumeLimits',
  refuses: (pod, bin) => exceeded(pod, bin) !== undefined,
  explain(pod, bin) {
    const over = exceeded(pod, bin)
    const driver = over?.driver ?? ''
    const asked = over ? added(over, bin) : 0
    return `driver ${driver} attaches at most ${bin.attachLimits.get(driver)} volumes, ${bin.attached.get(driver) ?? 0} are in use and ${asked} more asked`
  },
}

function exceeded({ volumes }: PodClass, bin: Bin) {
  return volumes.attachments.find(
    (one) =>
      (bin.attached.get(one.driver) ?? 0) + added(one, bin) >
      (bin.attachLimits.get(one.driver) ?? Number.POSITIVE_INFINITY),
  )
}

/** How many more volumes the node would have to attach. */
function added({ count, shared }: Attachment, { sharing }: Bin): number {
  return count + shared.filter((claim) => !sharing.has(claim)).length
}
