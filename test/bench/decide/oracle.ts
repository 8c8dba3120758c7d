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
  /** Text of its labels: pods of one kind are counted alike. */
  kind: string
  freedom: 0 | 1 | 2
  /** Texts of its spreads. */
  spreads: readonly string[]
  /** Pods of a queue with equal text are refused alike: by a spread over zones whatever host they are for. */
  asked: string
}

/** Throws with a sentence if some pod has no node, too little room there, or no order of placing is found. */
export function checkPlan({ pods, offerings }: ClusterState, plan: Plan): void {
  const places = new Map(plan.newNodes.map((one) => [one.name, placeOf(one, offerings)]))
  const nameOf = new Map(plan.newNodes.flatMap(({ name, pods }) => pods.map((pod) => [pod, name])))
  const items = pods.map((pod) => {
    const place = places.get(nameOf.get(`default/${pod.metadata.name}`) ?? '')
    if (!place) throw new Error(`pod ${pod.metadata.name} has no node`)
    takeRoom(pod, place)
    const spreads = spreadsOf(pod).map((spread) => JSON.stringify(spread))
    const freedom = freedomOf(pod)
    const asked = freedom === 0 ? spreads.join() : pod.metadata.name
    return { pod, place, kind: JSON.stringify(pod.metadata.labels), freedom, spreads, asked }
  })
  let stuck: Item[] = items
  for (const strategy of strategies) {
    // Who found no place goes first the next time.
    let first: Item[] = []
    for (let round = 0; round < mostRounds; round++) {
      const left = stuckBy(strategy, first, items, [...places.values()])
      if (left.length === 0) return
      if (left.length < stuck.length) stuck = left
      first = [...new Set([...left, ...first])]
    }
  }
  throw new Error(`${stuck.length} pods cannot be placed, ${stuck[0]?.pod.metadata.name} among them`)
}

const mostRounds = 5

/** What goes first, of the queues as they stand. */
type Strategy = (queue: readonly Item[], counts: Counts) => number

const strategies: readonly Strategy[] = [
  // Where fewest of a kind are.
  (queue, counts) => counts.alike(queue[0]),
  // Whom a spread over zones binds, and of those where fewest of a kind are.
  (queue, counts) => (queue[0]?.freedom ?? 0) * 1e6 + counts.alike(queue[0]),
  // Where most are left of those whom a spread over zones binds.
  (queue) => -queue.filter(({ freedom }) => freedom === 0).length,
]

/** Places one after the other, `first` before all others if they can be, and gives those that could not be. */
function stuckBy(
  strategy: Strategy,
  first: readonly Item[],
  items: readonly Item[],
  places: readonly Place[],
): Item[] {
  const counts = createCounts(items, places)
  const early = new Set<Item>()
  for (const item of first) {
    if (!counts.allows(item)) continue
    counts.add(item)
    early.add(item)
  }
  let left = queuesOf(items.filter((item) => !early.has(item)))
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
  for (const one of [...items].sort((a, b) => a.freedom - b.freedom)) {
    const key = `${one.kind} ${one.place.zone}`
    const queue = queues.get(key)
    if (queue) queue.push(one)
    else queues.set(key, [one])
  }
  return [...queues.values()]
}

function freedomOf({ spec: { affinity, topologySpreadConstraints: spreads = [] } }: Pod): Item['freedom'] {
  if (spreads.some(({ topologyKey }) => topologyKey !== hostname)) return 0
  return affinity || spreads.length > 0 ? 1 : 2
}

/** Places the first item of a queue that can be; those that ask the same of the same zone are asked about once. */
function placeOne(queue: Item[], counts: Counts, isHasty: boolean): boolean {
  const refused = new Set<string>()
  for (const [index, item] of queue.entries()) {
    const { asked } = item
    if (refused.has(asked)) continue
    if (!isHasty && counts.strands(item.place.zone, item)) {
      // All of the queue are of one kind: what strands a zone does so whichever of them it is, but for those awaited.
      if (item.spreads.length === 0) return false
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
  /** Whether pods of a kind are counted, as far as it has been asked. */
  counted: Map<string, boolean>
}

/** Pods still to come to a domain that ask the same of it. */
interface Awaited {
  spread: string
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
    const made = { topologyKey, selector, byDomain, avoided: new Map<string, number>(), counted: new Map() }
    tables.set(id, made)
    return made
  }

  function note(item: Item, times: 1 | -1): void {
    for (const [index, { topologyKey, labelSelector, maxSkew }] of spreadsOf(item.pod).entries()) {
      const table = tableOf(topologyKey, labelSelector)
      const domain = domainOf(topologyKey, item.place)
      const own = isCounted(table, item) ? 1 : 0
      const here = awaited.get(domain) ?? new Map<string, Awaited>()
      awaited.set(domain, here)
      const spread = item.spreads[index] ?? ''
      const key = `${spread} ${own}`
      const entry = here.get(key) ?? { spread, table, maxSkew, own, count: 0 }
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
        (table) => table.topologyKey !== hostname && isCounted(table, item),
      )
      return Math.max(0, ...zonal.map(({ byDomain }) => byDomain.get(item.place.zone) ?? 0))
    },
    strands(domain, item) {
      for (const { spread, table, maxSkew, own, count } of awaited.get(domain)?.values() ?? []) {
        const others = count - (item.spreads.includes(spread) ? 1 : 0)
        if (others <= 0 || !isCounted(table, item)) continue
        if ((table.byDomain.get(domain) ?? 0) + 1 + own - least(table) > maxSkew) return true
      }
      return false
    },
    allows(item) {
      const { pod, place } = item
      const at = ({ topologyKey, byDomain }: Table) => byDomain.get(domainOf(topologyKey, place)) ?? 0
      for (const { topologyKey, labelSelector, maxSkew } of spreadsOf(pod)) {
        const table = tableOf(topologyKey, labelSelector)
        if (at(table) + (isCounted(table, item) ? 1 : 0) - least(table) > maxSkew) return false
      }
      for (const { topologyKey, labelSelector } of nearOf(pod)) {
        const table = tableOf(topologyKey, labelSelector)
        const isFirst = isCounted(table, item) && [...table.byDomain.values()].every((n) => n === 0)
        if (!isFirst && at(table) === 0) return false
      }
      if (farOf(pod).some(({ topologyKey, labelSelector }) => at(tableOf(topologyKey, labelSelector)) > 0))
        return false
      return [...tables.values()].every(
        (table) => !table.avoided.has(domainOf(table.topologyKey, place)) || !isCounted(table, item),
      )
    },
    add(item) {
      const { pod, place } = item
      for (const table of tables.values()) {
        const domain = domainOf(table.topologyKey, place)
        if (isCounted(table, item)) table.byDomain.set(domain, (table.byDomain.get(domain) ?? 0) + 1)
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

function isCounted({ counted, selector: { matchLabels = {} } }: Table, { kind, pod }: Item): boolean {
  const known = counted.get(kind)
  if (known !== undefined) return known
  const answer = Object.entries(matchLabels).every(([key, value]) => pod.metadata.labels?.[key] === value)
  counted.set(kind, answer)
  return answer
}
