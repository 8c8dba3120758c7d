import type { LabelSelector, PodAffinityTerm, TopologySpreadConstraint } from '../../common/kube/objects.ts'
import { admitsNode } from './fit/node-affinity.ts'
import { untolerated } from './fit/taints.ts'
import { type Labels, selects } from './selectors.ts'
import type { Bin } from './shape/bins.ts'
import type { PodClass } from './shape/classes.ts'
import { affinityTermsOf, antiAffinityTermsOf, hardSpreadOf } from './shape/reads.ts'
import { createTally, type Tally } from './tally.ts'

/** A required anti-affinity: where its targets are, and where the pods are that carry it. */
export interface Avoidance {
  readonly targets: Tally
  readonly carriers: Tally
}

export interface Spread {
  readonly tally: Tally
  readonly maxSkew: number
  readonly minDomains: number
  /** 1 if a pod of the class counts itself. */
  readonly own: 0 | 1
}

/** What placing a pod of one class changes, and what it depends on. */
export interface ClassTopology {
  readonly bumps: readonly Tally[]
  /** One per term; `own`: its pods satisfy all terms themselves, so the first may go anywhere. */
  readonly affinity: readonly Tally[]
  readonly own: boolean
  readonly avoids: readonly Avoidance[]
  readonly avoidedBy: readonly Avoidance[]
  readonly spreads: readonly Spread[]
}

/** Finds the tallies that a list of classes needs, shared where they count the same. */
export function buildTopology(classes: readonly PodClass[], namespaces: ReadonlyMap<string, Labels>) {
  const tallies = new Map<string, Tally>()
  const avoidances = new Map<string, Avoidance & { matches: (pod: PodClass) => boolean }>()

  function tally(key: string, parts: Pick<Tally, 'topologyKey' | 'counted' | 'eligible'>): Tally {
    const known = tallies.get(key)
    if (known) return known
    const made = createTally(parts)
    tallies.set(key, made)
    return made
  }

  function affinityOf(pod: PodClass): { affinity: Tally[]; own: boolean } {
    const terms = affinityTermsOf(pod.pod.spec).map((term) => compile(pod, term, namespaces))
    // A pod counts only if it meets all terms at once (plugin InterPodAffinity).
    const counted = (other: PodClass) => terms.every((term) => term.matches(other))
    const together = JSON.stringify(terms.map(({ key }) => key))
    const affinity = terms.map(({ topologyKey }) =>
      tally(`affinity ${topologyKey} ${together}`, { topologyKey, counted, eligible: undefined }),
    )
    return { affinity, own: terms.length > 0 && counted(pod) }
  }

  function avoidanceOf(pod: PodClass, term: PodAffinityTerm): Avoidance {
    const { key, topologyKey, matches } = compile(pod, term, namespaces)
    const known = avoidances.get(key)
    if (known) return known
    const made = {
      matches,
      targets: tally(`targets ${key}`, { topologyKey, counted: matches, eligible: undefined }),
      // Those that carry the term are counted by having it, whatever their labels are.
      carriers: createTally({ topologyKey, counted: () => false, eligible: undefined }),
    }
    avoidances.set(key, made)
    return made
  }

  function spreadsOf(pod: PodClass): Spread[] {
    const constraints = hardSpreadOf(pod.pod.spec)
    const keys = constraints.map(({ topologyKey }) => topologyKey)
    return constraints.map((constraint) => {
      const selector = withLabelKeys(constraint, pod.labels)
      const counted = (other: PodClass) =>
        other.namespace === pod.namespace && selects(selector, other.labels)
      const { topologyKey, maxSkew, minDomains = 1 } = constraint
      const eligible = eligibility(pod, constraint, keys)
      const key = `spread ${JSON.stringify([topologyKey, pod.namespace, selector, eligible.key])}`
      return {
        tally: tally(key, { topologyKey, counted, eligible: eligible.holds }),
        maxSkew,
        minDomains,
        own: counted(pod) ? 1 : 0,
      }
    })
  }

  const own = classes.map((pod) => ({
    ...affinityOf(pod),
    avoids: antiAffinityTermsOf(pod.pod.spec).map((term) => avoidanceOf(pod, term)),
    spreads: spreadsOf(pod),
  }))
  const all = [...tallies.values()]
  const byLabels = createByLabels(all, [...avoidances.values()])
  const ofClass = own.map((parts, id): ClassTopology => {
    const pod = classes[id]
    if (!pod) throw new RangeError(`no class ${id}`)
    const { counting, avoidedBy } = byLabels(pod)
    const carriers = parts.avoids.map((one) => one.carriers)
    return {
      ...parts,
      bumps: carriers.length === 0 ? counting : [...counting, ...new Set(carriers)],
      avoidedBy,
    }
  })
  return { tallies: all, ofClass }
}

/** What counts a pod and what avoids it follows from its namespace and labels, which many classes share. */
function createByLabels(
  tallies: readonly Tally[],
  avoidances: readonly (Avoidance & { matches: (pod: PodClass) => boolean })[],
) {
  const known = new Map<string, { counting: readonly Tally[]; avoidedBy: readonly Avoidance[] }>()
  return (pod: PodClass) => {
    const key = JSON.stringify([pod.namespace, pod.labels])
    const found = known.get(key) ?? {
      counting: tallies.filter((one) => one.counted(pod)),
      avoidedBy: avoidances.filter((one) => one.matches(pod)),
    }
    known.set(key, found)
    return found
  }
}

function compile(pod: PodClass, term: PodAffinityTerm, namespaces: ReadonlyMap<string, Labels>) {
  const { topologyKey, namespaces: named = [], namespaceSelector } = term
  const selector = withLabelKeys(term, pod.labels)
  const selected = namespaceSelector
    ? [...namespaces].flatMap(([name, labels]) => (selects(namespaceSelector, labels) ? [name] : []))
    : []
  const all = namespaceSelector !== undefined && Object.keys(namespaceSelector).length === 0
  const spaces =
    named.length === 0 && !namespaceSelector ? new Set([pod.namespace]) : new Set([...named, ...selected])
  const matches = (other: PodClass) => (all || spaces.has(other.namespace)) && selects(selector, other.labels)
  return {
    key: JSON.stringify([topologyKey, all ? '*' : [...spaces].sort(), selector]),
    topologyKey,
    matches,
  }
}

/** The selector with the pod's own values of `matchLabelKeys` (and their opposites) merged in. */
function withLabelKeys(
  term: { labelSelector?: LabelSelector; matchLabelKeys?: string[]; mismatchLabelKeys?: string[] },
  labels: Labels,
): LabelSelector | undefined {
  const merge = (keys: string[] | undefined, operator: 'In' | 'NotIn') =>
    (keys ?? []).flatMap((key) =>
      labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }],
    )
  const extra = [...merge(term.matchLabelKeys, 'In'), ...merge(term.mismatchLabelKeys, 'NotIn')]
  if (!term.labelSelector || extra.length === 0) return term.labelSelector
  return {
    ...term.labelSelector,
    matchExpressions: [...(term.labelSelector.matchExpressions ?? []), ...extra],
  }
}

/** Which nodes' domains a spread counts: those with all its labels, and by its policies those the pod may use. */
function eligibility(pod: PodClass, constraint: TopologySpreadConstraint, keys: readonly string[]) {
  const { nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore' } = constraint
  const { affinity, nodeSelector, tolerations } = pod.pod.spec
  const byAffinity =
    nodeAffinityPolicy === 'Honor' && (affinity?.nodeAffinity !== undefined || nodeSelector !== undefined)
  const byTaints = nodeTaintsPolicy === 'Honor'
  const holds = (bin: Bin) =>
    keys.every((key) => bin.labels[key] !== undefined) &&
    (!byAffinity || admitsNode(pod, bin)) &&
    (!byTaints || (!bin.unschedulable && untolerated(bin.taints, tolerations) === undefined))
  const key = [keys, byAffinity && [affinity?.nodeAffinity, nodeSelector], byTaints && [tolerations]]
  return { key, holds }
}
