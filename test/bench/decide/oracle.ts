import type { LabelSelector, Pod, TopologySpreadConstraint } from '../../../common/kube/objects.ts'
import { parseMillicores, parseUnits } from '../../../common/quantity.ts'
import type { Plan } from '../../../controller/decide/plan.ts'
import type { ClusterState } from '../../../controller/decide/state.ts'

/*
 * Says whether kube-scheduler could bring every pod of a plan to its node, one after the other. It shares nothing
 * with the decision and knows only what the workloads hold: CPU, memory, slots, spreads, and required affinity and
 * anti-affinity to matchLabels. A pod is placed when all of its constraints hold at that moment; that some order
 * places them all is found by a search that may give up where there is one, never the other way round.
 */

const hostname = 'kubernetes.io/hostname'

interface Place {
  name: string
  zone: string
  cpu: number
  memory: number
  slots: number
}

interface Item {
  pod: Pod
  place: Place
}

/** Throws with a sentence if some pod has no node, too little room there, or no order of placing is found. */
export function checkPlan({ pods, offerings }: ClusterState, plan: Plan): void {
  const places = new Map(plan.newNodes.map((one) => [one.name, placeOf(one, offerings)]))
  const nameOf = new Map(plan.newNodes.flatMap(({ name, pods }) => pods.map((pod) => [pod, name])))
  const items = pods.map((pod) => {
    const place = places.get(nameOf.get(`default/${pod.metadata.name}`) ?? '')
    if (!place) throw new Error(`pod ${pod.metadata.name} has no node`)
    takeRoom(pod, place)
    return { pod, place }
  })
  let stuck: Item[] = items
  for (const strategy of strategies) {
    const left = stuckBy(strategy, items, [...places.values()])
    if (left.length === 0) return
    if (left.length < stuck.length) stuck = left
  }
  throw new Error(`${stuck.length} pods cannot be placed, ${stuck[0]?.pod.metadata.name} among them`)
}

/** What goes first, of the queues as they stand. */
type Strategy = (queue: readonly Item[], counts: Counts) => number

const strategies: readonly Strategy[] = [
  // Where fewest of a kind are.
  (queue, counts) => counts.alike(queue[0]),
  // Whom a spread over zones binds, and of those where fewest of a kind are.
  (queue, counts) => (queue[0] ? freedom(queue[0].pod) * 1e6 : 0) + counts.alike(queue[0]),
  // Where most are left of those whom a spread over zones binds.
  (queue) => -queue.filter(({ pod }) => freedom(pod) === 0).length,
]

/** Places one after the other, and gives those that could not be. */
function stuckBy(strategy: Strategy, items: readonly Item[], places: readonly Place[]): Item[] {
  const counts = createCounts(items, places)
  let left = queuesOf(items)
  while (left.length > 0) {
    const order = left
      .map((queue) => ({ queue, value: strategy(queue, counts) }))
      .sort((a, b) => a.value - b.value)
    // A pod that would keep a later one from its place waits while any other can go.
    const placeAny = (isHasty: boolean) => order.some(({ queue }) => placeOne(queue, counts, isHasty))
    if (!placeAny(false) && !placeAny(true)) break
    left = left.filter((queue) => queue.length > 0)
  }
  return left.flat()
}

function placeOf(
  { name, offering, datacenter }: Plan['newNodes'][number],
  offerings: ClusterState['offerings'],
): Place {
  const { cpu = 0, memory = 0, pods = 0 } = offerings.find((one) => one.name === offering)?.allocatable ?? {}
  const room = { cpu: parseMillicores(cpu, 'cpu'), memory: parseUnits(memory, 'memory'), slots: Number(pods) }
  return { name, zone: datacenter ?? '', ...room }
}

function takeRoom({ spec, metadata }: Pod, place: Place): void {
  const { cpu = 0, memory = 0 } = spec.containers[0]?.resources?.requests ?? {}
  place.cpu -= parseMillicores(cpu, 'cpu')
  place.memory -= parseUnits(memory, 'memory')
  place.slots--
  if (place.cpu < 0 || place.memory < 0 || place.slots < 0)
    throw new Error(`${place.name} is too small for all its pods, ${metadata.name} is too much`)
}

/** One queue for each kind of pod and zone; those that a spread over zones binds come first in it. */
function queuesOf(items: readonly Item[]): Item[][] {
  const queues = new Map<string, Item[]>()
  for (const one of [...items].sort((a, b) => freedom(a.pod) - freedom(b.pod))) {
    const key = `${JSON.stringify(one.pod.metadata.labels)} ${one.place.zone}`
    const queue = queues.get(key)
    if (queue) queue.push(one)
    else queues.set(key, [one])
  }
  return [...queues.values()]
}

function freedom({ spec: { affinity, topologySpreadConstraints: spreads = [] } }: Pod): number {
  if (spreads.some(({ topologyKey }) => topologyKey !== hostname)) return 0
  return affinity || spreads.length > 0 ? 1 : 2
}

/** Places the first item of a queue that can be; those that ask the same of the same zone are asked about once. */
function placeOne(queue: Item[], counts: Counts, isHasty: boolean): boolean {
  const refused = new Set<string>()
  for (const [index, item] of queue.entries()) {
    const { spec, metadata } = item.pod
    // A spread over zones is asked about once, whatever host the pod is for.
    const asked = freedom(item.pod) === 0 ? JSON.stringify(spec.topologySpreadConstraints) : metadata.name
    if (refused.has(asked)) continue
    if (!isHasty && counts.strands(item.place.zone, item)) {
      // All of the queue are of one kind: what strands a zone does so whichever of them it is, but for those awaited.
      if (spec.topologySpreadConstraints === undefined) return false
      refused.add(asked)
      continue
    }
    if (!isHasty && counts.strands(item.place.name, item)) continue
    if (counts.allows(item)) {
      counts.add(item)
      queue.splice(index, 1)
      return true
    }
    refused.add(asked)
  }
  return false
}

interface Counts {
  /** How many pods that a spread over zones takes for the same are in the item's zone. */
  alike(item: Item | undefined): number
  /** Whether the item would keep one that is still to come to the domain from its place, as things are. */
  strands(domain: string, item: Item): boolean
  allows(item: Item): boolean
  add(item: Item): void
}

interface Table {
  topologyKey: string
  selector: LabelSelector
  byDomain: Map<string, number>
  /** Pods with an anti-affinity to the selector, by domain. */
  avoided: Map<string, number>
}

/** Pods still to come to a domain that ask the same of it. */
interface Awaited {
  table: Table
  maxSkew: number
  own: 0 | 1
  count: number
}

function createCounts(items: readonly Item[], places: readonly Place[]): Counts {
  const tables = new Map<string, Table>()
  const awaited = new Map<string, Map<string, Awaited>>()
  const domainOf = (topologyKey: string, { name, zone }: Place) => (topologyKey === hostname ? name : zone)

  function tableOf(topologyKey: string, selector: LabelSelector = {}): Table {
    const id = `${topologyKey} ${JSON.stringify(selector)}`
    const known = tables.get(id)
    if (known) return known
    const byDomain = new Map(places.map((place) => [domainOf(topologyKey, place), 0]))
    const made = { topologyKey, selector, byDomain, avoided: new Map<string, number>() }
    tables.set(id, made)
    return made
  }

  function note({ pod, place }: Item, times: 1 | -1): void {
    for (const spread of spreadsOf(pod)) {
      const table = tableOf(spread.topologyKey, spread.labelSelector)
      const domain = domainOf(spread.topologyKey, place)
      const own = matches(table.selector, pod) ? 1 : 0
      const here = awaited.get(domain) ?? new Map<string, Awaited>()
      awaited.set(domain, here)
      const key = `${JSON.stringify(spread)} ${own}`
      const entry = here.get(key) ?? { table, maxSkew: spread.maxSkew, own, count: 0 }
      here.set(key, { ...entry, count: entry.count + times })
    }
  }

  for (const { pod } of items) {
    for (const { topologyKey, labelSelector } of [...spreadsOf(pod), ...nearOf(pod), ...farOf(pod)])
      tableOf(topologyKey, labelSelector)
  }
  for (const item of items) note(item, 1)

  return {
    alike(item) {
      if (!item) return 0
      const zonal = [...tables.values()].filter(
        ({ topologyKey, selector }) => topologyKey !== hostname && matches(selector, item.pod),
      )
      return Math.max(0, ...zonal.map(({ byDomain }) => byDomain.get(item.place.zone) ?? 0))
    },
    strands(domain, { pod }) {
      const mine = new Set(spreadsOf(pod).map((spread) => JSON.stringify(spread)))
      for (const [key, { table, maxSkew, own, count }] of awaited.get(domain) ?? []) {
        const others = count - (mine.has(key.slice(0, -2)) ? 1 : 0)
        if (others <= 0 || !matches(table.selector, pod)) continue
        if ((table.byDomain.get(domain) ?? 0) + 1 + own - least(table) > maxSkew) return true
      }
      return false
    },
    allows({ pod, place }) {
      const at = ({ topologyKey, byDomain }: Table) => byDomain.get(domainOf(topologyKey, place)) ?? 0
      for (const { topologyKey, labelSelector, maxSkew } of spreadsOf(pod)) {
        const table = tableOf(topologyKey, labelSelector)
        if (at(table) + (matches(table.selector, pod) ? 1 : 0) - least(table) > maxSkew) return false
      }
      for (const { topologyKey, labelSelector } of nearOf(pod)) {
        const table = tableOf(topologyKey, labelSelector)
        const isFirst = matches(table.selector, pod) && [...table.byDomain.values()].every((n) => n === 0)
        if (!isFirst && at(table) === 0) return false
      }
      if (farOf(pod).some(({ topologyKey, labelSelector }) => at(tableOf(topologyKey, labelSelector)) > 0))
        return false
      return [...tables.values()].every(
        ({ topologyKey, selector, avoided }) =>
          !avoided.has(domainOf(topologyKey, place)) || !matches(selector, pod),
      )
    },
    add(item) {
      const { pod, place } = item
      for (const { topologyKey, selector, byDomain } of tables.values()) {
        const domain = domainOf(topologyKey, place)
        if (matches(selector, pod)) byDomain.set(domain, (byDomain.get(domain) ?? 0) + 1)
      }
      for (const { topologyKey, labelSelector } of farOf(pod)) {
        const { avoided } = tableOf(topologyKey, labelSelector)
        avoided.set(domainOf(topologyKey, place), 1)
      }
      note(item, -1)
    },
  }
}

const spreadsOf = ({ spec }: Pod): readonly TopologySpreadConstraint[] => spec.topologySpreadConstraints ?? []
const nearOf = ({ spec }: Pod) =>
  spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
const farOf = ({ spec }: Pod) =>
  spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []

/** The smallest count; as soon as one is zero no more of thousands of hosts are looked at. */
function least({ byDomain }: Table): number {
  let smallest = Number.POSITIVE_INFINITY
  for (const count of byDomain.values()) {
    if (count === 0) return 0
    smallest = Math.min(smallest, count)
  }
  return smallest
}

function matches({ matchLabels = {} }: LabelSelector, { metadata }: Pod): boolean {
  return Object.entries(matchLabels).every(([key, value]) => metadata.labels?.[key] === value)
}
