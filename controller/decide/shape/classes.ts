import { InputError } from '../../../common/errors.ts'
import type { Pod } from '../../../common/kube/objects.ts'
import { keyOf } from '../../../common/kube/resources.ts'
import { podRequests, type ResourceSpace, type Vector } from '../resources.ts'
import type { Labels } from '../selectors.ts'
import { type HostPort, hostPorts } from './ports.ts'
import { problemOf } from './problems.ts'
import {
  affinityTermsOf,
  antiAffinityTermsOf,
  asksByName,
  hardSpreadOf,
  isPinned,
  type LabelsRead,
  nodeTermsOf,
} from './reads.ts'
import type { VolumeNeeds, Volumes } from './volumes.ts'

/** Pods that no filter can tell apart. */
export interface PodClass {
  readonly id: number
  /** Number of what it asks of a node itself: equal for classes that node filters cannot tell apart. */
  readonly kind: number
  /** One of them, for what filters read from its spec. */
  readonly pod: Pod
  readonly namespace: string
  /** Only the labels that some selector reads. */
  readonly labels: Labels
  readonly requests: Vector
  readonly ports: readonly HostPort[]
  readonly volumes: VolumeNeeds
  /** Set where the pod's node was written by hand. */
  readonly pinnedTo: string | undefined
  /** Two nodes of one shape may differ for it. */
  readonly byName: boolean
}

/** The classes met so far; the same pods in the same order get the same numbers. */
export interface PodClasses {
  readonly all: readonly PodClass[]
  /** Throws `InputError` if the pod asks for something that means nothing. */
  of(pod: Pod): PodClass
}

export function createClasses(space: ResourceSpace, read: LabelsRead, volumes: Volumes): PodClasses {
  const all: PodClass[] = []
  // With the key itself, so that the pods which remember it share one text.
  const byKey = new Map<string, { key: string; found: PodClass }>()
  const kinds = new Map<string, number>()

  function make(pod: Pod, needs: VolumeNeeds): PodClass {
    const problem = problemOf(pod.spec)
    if (problem !== undefined) throw new InputError(`Pod ${keyOf(pod)} spec`, problem)
    const asked = nodeKey(pod, needs)
    const kind = kinds.get(asked) ?? kinds.size
    kinds.set(asked, kind)
    return {
      id: all.length,
      kind,
      pod,
      namespace: pod.metadata.namespace ?? '',
      labels: only(pod.metadata.labels, read.ofPods),
      requests: podRequests(space, pod.spec, `Pod ${keyOf(pod)} spec`),
      ports: hostPorts(pod.spec),
      volumes: needs,
      pinnedTo: isPinned(pod) ? pod.spec.nodeName : undefined,
      byName: asksByName(pod.spec) || isPinned(pod) || needs.byName,
    }
  }

  function find(pod: Pod, known: Known | undefined): PodClass {
    const needs = volumes.of(pod)
    const isKnown = known?.read === read.signature && known.needs === needs.key
    const fresh = isKnown ? known.key : shapeKey(pod, only(pod.metadata.labels, read.ofPods), needs)
    let entry = byKey.get(fresh)
    if (!entry) {
      entry = { key: fresh, found: make(pod, needs) }
      all.push(entry.found)
      byKey.set(fresh, entry)
    }
    knownOf.set(pod, { classes, found: entry.found, read: read.signature, needs: needs.key, key: entry.key })
    return entry.found
  }

  const classes: PodClasses = {
    all,
    of(pod) {
      const known = knownOf.get(pod)
      return known?.classes === classes ? known.found : find(pod, known)
    },
  }
  return classes
}

/** What was worked out of a pod: its class in the latest pass, and the text that this follows from. */
interface Known {
  readonly classes: PodClasses
  readonly found: PodClass
  readonly read: string
  readonly needs: string
  readonly key: string
}

// A watch cache hands out the same object until the pod changes, so in most passes nearly all texts are known.
const knownOf = new WeakMap<Pod, Known>()

/** The labels among `keys`, in the order of `keys`, so that equal ones give equal text. */
export function only(labels: Labels | undefined, keys: ReadonlySet<string>): Labels {
  const kept: Record<string, string> = {}
  if (!labels) return kept
  for (const key of keys) {
    const value = labels[key]
    if (value !== undefined) kept[key] = value
  }
  return kept
}

// Objects that differ only in the order of their keys become two classes,
// which costs time and nothing else.
function shapeKey(pod: Pod, labels: Labels, needs: VolumeNeeds): string {
  const { spec } = pod
  const containers = spec.containers.map(({ resources, ports }) => [resources, ports])
  const plain = JSON.stringify([pod.metadata.namespace, labels, containers, spec.tolerations])
  const rare = [
    spec.initContainers?.map(({ resources, ports, restartPolicy }) => [resources, ports, restartPolicy]),
    spec.resources,
    spec.overhead,
    spec.hostNetwork,
    spec.nodeSelector,
    isPinned(pod) ? spec.nodeName : undefined,
    needs.key,
    ...(spec.affinity ? [nodeTermsOf(spec), affinityTermsOf(spec), antiAffinityTermsOf(spec)] : []),
    ...(spec.topologySpreadConstraints ? hardSpreadOf(spec) : []),
  ]
  return rare.some((part) => part) ? plain + JSON.stringify(rare) : plain
}

function nodeKey(pod: Pod, needs: VolumeNeeds): string {
  const { tolerations, nodeSelector, affinity, nodeName } = pod.spec
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return JSON.stringify([tolerations, nodeSelector, terms, isPinned(pod) ? nodeName : undefined, needs.key])
}
