import { InputError } from '../../common/errors.ts'
import type { Pod } from '../../common/kube/objects.ts'
import { add, type ResourceSpace } from './resources.ts'
import type { Labels } from './selectors.ts'
import { type Bin, type BinDraft, createShapes } from './shape/bins.ts'
import { createClasses, type PodClass } from './shape/classes.ts'
import type { LabelsRead } from './shape/reads.ts'
import type { Attachment, Volumes } from './shape/volumes.ts'
import { bump, closeDomain, openDomain } from './tally.ts'
import { buildTopology, type ClassTopology } from './topology.ts'

/**
 * The cluster as filters see it: classes of pods, bins with what is left in them, and counts per topology domain.
 * Every change can be undone by its opposite, so that a what-if costs only what it touches.
 */
export interface World {
  readonly space: ResourceSpace
  readonly bins: readonly Bin[]
  /** Pods that no filter can be asked about, each with what is wrong. */
  readonly invalid: ReadonlyMap<Pod, string>
  /** Pods that use each claim which only one may use at a time. */
  readonly users: ReadonlyMap<string, number>
  bin(name: string): Bin | undefined
  /** The class of a pod; throws `InputError` for one that is invalid. */
  classOf(pod: Pod): PodClass
  topologyOf(pod: PodClass): ClassTopology
  /** Counts a sketch's zone and host among the domains of spreads, empty as it is; gives what undoes it. */
  foresee(sketch: Bin): () => void
  /** `shape`: its shape where that is known already. */
  add(draft: BinDraft, shape?: number): Bin
  /** A bin that no list or count knows of, for asking filters about a machine that does not exist. */
  sketch(draft: BinDraft): Bin
  /** A name that no bin has had. */
  freshName(): string
  /** Takes a bin away again; it must be empty. */
  drop(bin: Bin): void
  /** Counts `times` pods of the class into the bin, or out of it when negative. Asks no filter. */
  place(pod: PodClass, bin: Bin, times: number): void
  /** What is known of the node filters' answer. */
  admitted(pod: PodClass, shape: number): boolean | undefined
  noteAdmitted(pod: PodClass, shape: number, admitted: boolean): void
}

export interface WorldParts {
  space: ResourceSpace
  read: LabelsRead
  volumes: Volumes
  /** Every pod that will ever be placed, sorted: their order decides the order of classes. */
  pods: readonly Pod[]
  namespaces: ReadonlyMap<string, Labels>
}

/** Makes a world without bins. */
export function createWorld({ space, read, volumes, pods, namespaces }: WorldParts): World {
  const classes = createClasses(space, read, volumes)
  const invalid = new Map<Pod, string>()
  for (const pod of pods) {
    try {
      classes.of(pod)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      invalid.set(pod, error.message)
    }
  }
  const topology = buildTopology(classes.all, namespaces)
  const shapeOf = createShapes(read.ofNodes)
  const bins: Bin[] = []
  const byName = new Map<string, Bin>()
  const users = new Map<string, number>()
  let made = 0
  const admissions: (boolean | undefined)[][] = classes.all.map(() => [])

  return {
    space,
    bins,
    invalid,
    users,
    bin: (name) => byName.get(name),
    classOf: (pod) => classes.of(pod),
    topologyOf(pod) {
      const found = topology.ofClass[pod.id]
      if (!found) throw new RangeError(`class ${pod.id} is not part of the world`)
      return found
    },
    foresee(sketch) {
      for (const tally of topology.tallies) openDomain(tally, sketch)
      return () => {
        for (const tally of topology.tallies) closeDomain(tally, sketch)
      }
    },
    sketch: (draft) => emptyBin(draft, shapeOf(draft)),
    add(draft, shape = shapeOf(draft)) {
      const bin = emptyBin(draft, shape)
      bins.push(bin)
      byName.set(bin.name, bin)
      for (const tally of topology.tallies) openDomain(tally, bin)
      return bin
    },
    freshName: () => `new machine ${++made}`,
    drop(bin) {
      for (const tally of topology.tallies) closeDomain(tally, bin)
      byName.delete(bin.name)
      bins.splice(bins.lastIndexOf(bin), 1)
    },
    place(pod, bin, times) {
      add(bin.free, pod.requests, -times)
      for (const tally of topology.ofClass[pod.id]?.bumps ?? []) bump(tally, bin, times)
      if (pod.ports.length > 0) placePorts(pod, bin, times)
      for (const claim of pod.volumes.exclusive) users.set(claim, (users.get(claim) ?? 0) + times)
      for (const attachment of pod.volumes.attachments) attach(attachment, bin, times)
    },
    admitted: (pod, shape) => admissions[pod.kind]?.[shape],
    noteAdmitted(pod, shape, admitted) {
      const known = admissions[pod.kind]
      if (known) known[shape] = admitted
    },
  }
}

function emptyBin(draft: BinDraft, shape: number): Bin {
  return {
    ...draft,
    shape,
    free: draft.allocatable.slice(),
    ports: [],
    attached: new Map(),
    sharing: new Map(),
    closed: false,
  }
}

function attach({ driver, count, shared }: Attachment, { attached, sharing }: Bin, times: number): void {
  let change = times * count
  for (const claim of shared) {
    const before = sharing.get(claim) ?? 0
    const after = before + times
    if (before === 0) change++
    if (after === 0) change--
    if (after === 0) sharing.delete(claim)
    else sharing.set(claim, after)
  }
  attached.set(driver, (attached.get(driver) ?? 0) + change)
}

function placePorts({ ports }: PodClass, bin: Bin, times: number): void {
  for (let i = 0; i < times; i++) bin.ports.push(...ports)
  for (let i = 0; i > times; i--) {
    for (const port of ports) {
      const at = bin.ports.findIndex(
        (taken) =>
          taken.port === port.port && taken.protocol === port.protocol && taken.address === port.address,
      )
      if (at >= 0) bin.ports.splice(at, 1)
    }
  }
}
