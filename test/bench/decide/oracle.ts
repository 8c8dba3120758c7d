import type { LabelSelector, Pod } from '../../../common/kube/objects.ts'
import { parseMillicores, parseUnits } from '../../../common/quantity.ts'
import type { Plan } from '../../../controller/decide/plan.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'

/*
 * Says whether kube-scheduler could bring every pod of a plan to its node, one after the other. It is as plain as
 * can be and shares nothing with the decision: a pod is placed when each of its constraints holds at that moment.
 */

interface Place {
  name: string
  zone: string
  cpu: number
  memory: number
  slots: number
  pods: Pod[]
}

const hostname = 'kubernetes.io/hostname'

/** Throws with a sentence if some pod has no node, or no order of placing satisfies all. */
export function checkPlan({ pods, offerings }: ClusterState, plan: Plan): void {
  const places = new Map(plan.newNodes.map((one) => [one.name, placeOf(one, offerings)]))
  const placeOfPod = new Map(plan.newNodes.flatMap(({ name, pods }) => pods.map((pod) => [pod, name])))
  const counts = createCounts(pods, [...places.values()])
  const all = pods.map((pod) => {
    const place = places.get(placeOfPod.get(`default/${pod.metadata.name}`) ?? '')
    if (!place) throw new Error(`pod ${pod.metadata.name} has no node`)
    return { pod, place }
  })
  const isFree = ({ pod }: { pod: Pod }) => !pod.spec.affinity && !pod.spec.topologySpreadConstraints
  const free = all.filter(isFree)
  let bound = all.filter((each) => !isFree(each))
  // Those that ask for something as early as they can; between them the others, where fewest of their kind are.
  for (;;) {
    for (let before = Number.NaN; before !== bound.length; ) {
      before = bound.length
      bound = bound.filter(({ pod, place }) => !placed(pod, place, counts))
    }
    if (free.length === 0) break
    const next = indexOfLeast(free, ({ pod, place }) => counts.alike(pod, place))
    const [one] = free.splice(next, 1)
    if (one && !placed(one.pod, one.place, counts))
      throw new Error(`pod ${one.pod.metadata.name} asks for nothing`)
  }
  if (bound.length > 0)
    throw new Error(`${bound.length} pods cannot be placed, ${bound[0]?.pod.metadata.name} among them`)
}

function indexOfLeast<T>(items: readonly T[], value: (item: T) => number): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (const [index, item] of items.entries()) {
    const found = value(item)
    if (found >= least) continue
    best = index
    least = found
  }
  return best
}

function placeOf(
  { name, offering, datacenter }: Plan['newNodes'][number],
  offerings: ClusterState['offerings'],
): Place {
  const { cpu = 0, memory = 0, pods = 0 } = offerings.find((one) => one.name === offering)?.allocatable ?? {}
  return {
    name,
    zone: datacenter ?? '',
    cpu: parseMillicores(cpu, 'cpu'),
    memory: parseUnits(memory, 'memory'),
    slots: Number(pods),
    pods: [],
  }
}

function placed(pod: Pod, place: Place, counts: Counts): boolean {
  const { cpu = 0, memory = 0 } = pod.spec.containers[0]?.resources?.requests ?? {}
  const [millicores, bytes] = [parseMillicores(cpu, 'cpu'), parseUnits(memory, 'memory')]
  if (millicores > place.cpu || bytes > place.memory || place.slots < 1)
    throw new Error(`pod ${pod.metadata.name} is too large for what is left of ${place.name}`)
  if (!counts.allow(pod, place)) return false
  place.cpu -= millicores
  place.memory -= bytes
  place.slots--
  place.pods.push(pod)
  counts.add(pod, place)
  return true
}

interface Counts {
  /** How many pods that spreads take for the same are in the zone of a place. */
  alike(pod: Pod, place: Place): number
  allow(pod: Pod, place: Place): boolean
  add(pod: Pod, place: Place): void
}

/** How many pods each selector matches in each domain. */
function createCounts(pods: readonly Pod[], places: readonly Place[]): Counts {
  const tables = new Map<string, { selector: LabelSelector; key: string; byDomain: Map<string, number> }>()
  const domainOf = (key: string, { name, zone }: Place) => (key === hostname ? name : zone)
  const tableOf = (key: string, selector: LabelSelector | undefined) => {
    const id = `${key} ${JSON.stringify(selector)}`
    const known = tables.get(id)
    if (known) return known
    const byDomain = new Map(places.map((place) => [domainOf(key, place), 0]))
    const made = { selector: selector ?? {}, key, byDomain }
    tables.set(id, made)
    return made
  }
  const avoiders: {
    term: ReturnType<typeof tableOf>
    selector: LabelSelector
    key: string
    at: Set<string>
  }[] = []
  for (const { spec } of pods) {
    for (const { topologyKey, labelSelector } of spec.topologySpreadConstraints ?? [])
      tableOf(topologyKey, labelSelector)
    const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
    for (const { requiredDuringSchedulingIgnoredDuringExecution: terms = [] } of [
      podAffinity ?? {},
      podAntiAffinity ?? {},
    ])
      for (const { topologyKey, labelSelector } of terms) tableOf(topologyKey, labelSelector)
  }
  const avoiderOf = (key: string, selector: LabelSelector | undefined) => {
    const term = tableOf(key, selector)
    const known = avoiders.find((one) => one.term === term)
    if (known) return known
    const made = { term, selector: selector ?? {}, key, at: new Set<string>() }
    avoiders.push(made)
    return made
  }

  function allow(pod: Pod, place: Place): boolean {
    for (const { topologyKey, labelSelector, maxSkew } of pod.spec.topologySpreadConstraints ?? []) {
      const { byDomain } = tableOf(topologyKey, labelSelector)
      const own = matches(labelSelector ?? {}, pod) ? 1 : 0
      const least = Math.min(...(topologyKey === hostname ? leastOf(byDomain) : byDomain.values()))
      if ((byDomain.get(domainOf(topologyKey, place)) ?? 0) + own - least > maxSkew) return false
    }
    const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
    for (const {
      topologyKey,
      labelSelector,
    } of podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      const { byDomain } = tableOf(topologyKey, labelSelector)
      const isFirst =
        [...byDomain.values()].every((count) => count === 0) && matches(labelSelector ?? {}, pod)
      if (!isFirst && (byDomain.get(domainOf(topologyKey, place)) ?? 0) === 0) return false
    }
    for (const {
      topologyKey,
      labelSelector,
    } of podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      if ((tableOf(topologyKey, labelSelector).byDomain.get(domainOf(topologyKey, place)) ?? 0) > 0)
        return false
    }
    return avoiders.every(({ selector, key, at }) => !at.has(domainOf(key, place)) || !matches(selector, pod))
  }

  return {
    allow,
    alike(pod, place) {
      let most = 0
      for (const { selector, key, byDomain } of tables.values()) {
        if (key !== hostname && matches(selector, pod))
          most = Math.max(most, byDomain.get(domainOf(key, place)) ?? 0)
      }
      return most
    },
    add(pod, place) {
      for (const { selector, key, byDomain } of tables.values()) {
        if (!matches(selector, pod)) continue
        const domain = domainOf(key, place)
        byDomain.set(domain, (byDomain.get(domain) ?? 0) + 1)
      }
      const { podAntiAffinity } = pod.spec.affinity ?? {}
      for (const {
        topologyKey,
        labelSelector,
      } of podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
        avoiderOf(topologyKey, labelSelector).at.add(domainOf(topologyKey, place))
    },
  }
}

/** A minimum is zero as long as one is: no need to look at thousands of hosts. */
function leastOf(byDomain: ReadonlyMap<string, number>): number[] {
  let least = Number.POSITIVE_INFINITY
  for (const count of byDomain.values()) {
    if (count === 0) return [0]
    least = Math.min(least, count)
  }
  return [least]
}

function matches({ matchLabels = {} }: LabelSelector, { metadata }: Pod): boolean {
  return Object.entries(matchLabels).every(([key, value]) => metadata.labels?.[key] === value)
}
