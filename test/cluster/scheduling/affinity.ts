import type {
  Node,
  NodeSelectorTerm,
  PodAffinityTerm,
  SelectorRequirement,
  TopologySpreadConstraint,
} from '../../../common/kube/objects.ts'
import type { Chance } from '../../fixtures/chance.ts'

export const host = 'kubernetes.io/hostname'
export const zone = 'topology.kubernetes.io/zone'
export const apps = ['a', 'b', 'c'] as const

/** Required affinity to nodes and pods, and anti-affinity to pods, each now and then. */
export function affinityOf(
  chance: Chance,
  zones: readonly string[],
  nodes: readonly Node[],
  labels: Record<string, string>,
): object {
  const terms = (): PodAffinityTerm[] =>
    Array.from({ length: 1 + chance.below(2) }, () => {
      const app = chance.happens(40) ? (labels.app ?? 'a') : chance.of(apps)
      const keys = chance.happens(15)
        ? { matchLabelKeys: ['version'] }
        : chance.happens(10)
          ? { mismatchLabelKeys: ['version'] }
          : {}
      return spaced(chance, {
        labelSelector: { matchLabels: { app } },
        topologyKey: chance.of([host, zone]),
        ...keys,
      })
    })
  return {
    ...(chance.happens(30)
      ? {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: selectorTerms(chance, zones, nodes),
            },
          },
        }
      : {}),
    ...(chance.happens(25)
      ? { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms() } }
      : {}),
    ...(chance.happens(25)
      ? { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms() } }
      : {}),
  }
}

function selectorTerms(chance: Chance, zones: readonly string[], nodes: readonly Node[]): NodeSelectorTerm[] {
  const requirements = [
    { key: zone, operator: 'In', values: zones.slice(0, 2) },
    { key: zone, operator: 'NotIn', values: [chance.of(zones)] },
    { key: 'disk', operator: 'Exists' },
    { key: 'disk', operator: 'DoesNotExist' },
    { key: 'size', operator: 'Gt', values: [String(chance.below(9))] },
    { key: 'size', operator: 'Lt', values: [String(1 + chance.below(9))] },
    { key: 'disk', operator: 'In', values: ['', 'ssd'] },
  ] satisfies SelectorRequirement[]
  return Array.from({ length: 1 + chance.below(2) }, () => ({
    matchExpressions: chance.some(requirements, 2),
    ...(chance.happens(15)
      ? {
          matchFields: [
            {
              key: 'metadata.name',
              operator: chance.of(['In', 'NotIn'] as const),
              values: [chance.of(nodes).metadata.name],
            },
          ],
        }
      : {}),
  }))
}

/** Spreads over hosts, zones or both. */
export function spreadsOf(chance: Chance): TopologySpreadConstraint[] {
  return [host, zone]
    .slice(chance.below(2))
    .map((topologyKey) => ({
      maxSkew: 1 + chance.below(2),
      topologyKey,
      whenUnsatisfiable: chance.happens(85) ? 'DoNotSchedule' : 'ScheduleAnyway',
      labelSelector: { matchLabels: { app: chance.of(apps) } },
      ...(chance.happens(20) ? { nodeTaintsPolicy: chance.of(['Honor', 'Ignore'] as const) } : {}),
      ...(chance.happens(20) ? { nodeAffinityPolicy: chance.of(['Honor', 'Ignore'] as const) } : {}),
      ...(chance.happens(15) ? { matchLabelKeys: ['version'] } : {}),
    }))
    .map((each) =>
      each.whenUnsatisfiable === 'DoNotSchedule' && chance.happens(20)
        ? { ...each, minDomains: 1 + chance.below(3) }
        : each,
    ) as TopologySpreadConstraint[]
}

/** Lets a term look into other namespaces now and then. */
export function spaced(chance: Chance, term: PodAffinityTerm): PodAffinityTerm {
  if (chance.happens(15)) return { ...term, namespaceSelector: {} }
  if (chance.happens(15))
    return { ...term, namespaceSelector: { matchLabels: { team: chance.of(['own', 'other']) } } }
  return term
}
