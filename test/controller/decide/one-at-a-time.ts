import type { LabelSelector, Node, Pod } from '../../../common/kube/objects.ts'
import { parseMillicores, parseUnits } from '../../../common/quantity.ts'

/*
 * kube-scheduler's filters once more, as plainly as they can be written: each question goes over all pods and all nodes,
 * nothing is grouped, counted ahead or remembered. Slow, and only for what the property tests generate.
 */

type Labels = Readonly<Record<string, string>>

interface Cluster {
  nodes: readonly Node[]
  /** With their node in `spec.nodeName`. */
  placed: readonly Pod[]
}

/** Whether one more pod may be put on the node now. */
export function mayRun(pod: Pod, node: Node, cluster: Cluster): boolean {
  return (
    !node.spec?.unschedulable &&
    tolerates(pod, node) &&
    selects(pod.spec.nodeSelector, node.metadata.labels) &&
    hasRoom(pod, node, cluster) &&
    portsAreFree(pod, node, cluster) &&
    keepsApart(pod, node, cluster) &&
    isTogether(pod, node, cluster) &&
    isSpread(pod, node, cluster)
  )
}

function tolerates({ spec }: Pod, node: Node): boolean {
  return (node.spec?.taints ?? []).every(
    (taint) =>
      taint.effect === 'PreferNoSchedule' ||
      (spec.tolerations ?? []).some(
        ({ key, operator, value, effect }) =>
          (!effect || effect === taint.effect) &&
          (!key || key === taint.key) &&
          (operator === 'Exists' || (key && (value ?? '') === (taint.value ?? ''))),
      ),
  )
}

function selects(wanted: Labels = {}, labels: Labels = {}): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value)
}

const on = ({ placed }: Cluster, { metadata }: Node) =>
  placed.filter(({ spec }) => spec.nodeName === metadata.name)

function hasRoom(pod: Pod, node: Node, cluster: Cluster): boolean {
  const all = [...on(cluster, node), pod]
  const sum = (name: string, amount: (text: string | number) => number) =>
    all
      .flatMap(({ spec }) => spec.containers)
      .reduce((total, { resources }) => total + amount(resources?.requests?.[name] ?? 0), 0)
  const { cpu = 0, memory = 0, pods = 110 } = node.status?.allocatable ?? {}
  return (
    sum('cpu', (text) => parseMillicores(text, 'cpu')) <= parseMillicores(cpu, 'cpu') &&
    sum('memory', (text) => parseUnits(text, 'memory')) <= parseUnits(memory, 'memory') &&
    all.length <= Number(pods)
  )
}

function portsAreFree(pod: Pod, node: Node, cluster: Cluster): boolean {
  const portsOf = ({ spec }: Pod) =>
    spec.containers.flatMap(({ ports = [] }) => ports.flatMap(({ hostPort }) => hostPort ?? []))
  const taken = on(cluster, node).flatMap(portsOf)
  return portsOf(pod).every((port) => !taken.includes(port))
}

const counts = (selector: LabelSelector | undefined, { metadata }: Pod) =>
  selector !== undefined && selects(selector.matchLabels, metadata.labels)

function domainOf(key: string, { nodes }: Cluster, pod: Pod): string | undefined {
  return nodes.find(({ metadata }) => metadata.name === pod.spec.nodeName)?.metadata.labels?.[key]
}

const required = (pod: Pod, kind: 'podAffinity' | 'podAntiAffinity') =>
  pod.spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? []

function keepsApart(pod: Pod, node: Node, cluster: Cluster): boolean {
  const meets = (mine: Pod, other: Pod) =>
    required(mine, 'podAntiAffinity').some(({ topologyKey, labelSelector }) => {
      const here = node.metadata.labels?.[topologyKey]
      const there = domainOf(topologyKey, cluster, mine === pod ? other : mine)
      return here !== undefined && here === there && counts(labelSelector, other)
    })
  return cluster.placed.every((other) => !meets(pod, other) && !meets(other, pod))
}

function isTogether(pod: Pod, node: Node, cluster: Cluster): boolean {
  const terms = required(pod, 'podAffinity')
  const all = (other: Pod) => terms.every(({ labelSelector }) => counts(labelSelector, other))
  const isFirst =
    all(pod) &&
    !cluster.placed.some(
      (other) => all(other) && terms.some(({ topologyKey }) => domainOf(topologyKey, cluster, other)),
    )
  return terms.every(({ topologyKey }) => {
    const here = node.metadata.labels?.[topologyKey]
    if (here === undefined) return false
    return (
      isFirst || cluster.placed.some((other) => all(other) && domainOf(topologyKey, cluster, other) === here)
    )
  })
}

function isSpread(pod: Pod, node: Node, cluster: Cluster): boolean {
  return (pod.spec.topologySpreadConstraints ?? []).every(
    ({ topologyKey, maxSkew, labelSelector, whenUnsatisfiable, minDomains = 1 }) => {
      if (whenUnsatisfiable !== 'DoNotSchedule') return true
      const here = node.metadata.labels?.[topologyKey]
      if (here === undefined) return false
      const eligible = cluster.nodes.filter(
        ({ metadata }) => metadata.labels?.[topologyKey] && selects(pod.spec.nodeSelector, metadata.labels),
      )
      const domains = new Set(eligible.map(({ metadata }) => metadata.labels?.[topologyKey]))
      const countIn = (domain: string | undefined) =>
        cluster.placed.filter(
          (other) =>
            counts(labelSelector, other) &&
            eligible.some(
              ({ metadata }) =>
                metadata.name === other.spec.nodeName && metadata.labels?.[topologyKey] === domain,
            ),
        ).length
      const least = domains.size < minDomains ? 0 : Math.min(...[...domains].map(countIn))
      return countIn(here) + (counts(labelSelector, pod) ? 1 : 0) - least <= maxSkew
    },
  )
}
