import { matchesAnyTerm, requirementText } from '../selectors.ts'
import type { Bin } from '../shape/bins.ts'
import type { PodClass } from '../shape/classes.ts'
import { zoneKeys } from '../shape/volumes.ts'
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

/** No more volumes of a driver than CSINode says the node can attach. */
export const nodeVolumeLimits: Filter = {
  code: 'NodeVolumeLimits',
  refuses: (pod, bin) => exceeded(pod, bin) !== undefined,
  explain(pod, bin) {
    const over = exceeded(pod, bin)
    const driver = over?.driver ?? ''
    return `driver ${driver} attaches at most ${bin.attachLimits.get(driver)} volumes, ${bin.attached.get(driver) ?? 0} are in use and ${over?.count} more asked`
  },
}

function exceeded({ volumes }: PodClass, bin: Bin) {
  return volumes.attachments.find(
    ({ driver, count }) =>
      (bin.attached.get(driver) ?? 0) + count > (bin.attachLimits.get(driver) ?? Number.POSITIVE_INFINITY),
  )
}
