import type { Container, PodSpec, Quantities } from '../../common/kube/objects.ts'
import { formatBytes, formatMillicores, parseMillicores, parseUnits } from '../../common/quantity.ts'

/**
 * Amounts of every resource that some pod asks for, one place each: whole millicores, bytes, pods, devices. All of
 * them stay far below 2^53, so the arithmetic is exact.
 */
export type Vector = Float64Array

const wellKnown = ['cpu', 'memory', 'ephemeral-storage', 'pods'] as const
export const cpu = 0
export const memory = 1
export const storage = 2
export const pods = 3

/** Which place of a vector is which resource. */
export interface ResourceSpace {
  readonly names: readonly string[]
  readonly places: ReadonlyMap<string, number>
}

/** The four usual resources and `further` ones, in an order that does not depend on theirs. */
export function resourceSpace(further: Iterable<string>): ResourceSpace {
  const names = [...wellKnown, ...[...new Set(further)].sort()]
  return { names, places: new Map(names.map((name, place) => [name, place])) }
}

/** The resources besides the usual four that a pod asks for. */
export function resourceNames({ containers, initContainers = [], overhead, resources }: PodSpec): string[] {
  const found = new Set<string>()
  const note = (quantities: Quantities | undefined) => {
    for (const name in quantities) found.add(name)
  }
  for (const one of [...containers, ...initContainers, { resources }]) {
    note(one.resources?.requests)
    note(one.resources?.limits)
  }
  note(overhead)
  for (const name of wellKnown) found.delete(name)
  return [...found]
}

export function zero(space: ResourceSpace): Vector {
  return new Float64Array(space.names.length)
}

/** The vector of some quantities; names that no pod asks for are left out. Throws `InputError` naming `path`. */
export function vectorOf(space: ResourceSpace, quantities: Quantities | undefined, path: string): Vector {
  const vector = zero(space)
  for (const name in quantities) {
    const place = space.places.get(name)
    const quantity = quantities[name]
    if (place === undefined || quantity === undefined) continue
    vector[place] =
      place === cpu ? parseMillicores(quantity, `${path}.cpu`) : parseUnits(quantity, `${path}.${name}`)
  }
  return vector
}

export function add(to: Vector, what: Vector, times = 1): void {
  for (let i = 0; i < to.length; i++) to[i] = at(to, i) + times * at(what, i)
}

/** A vector's amount of one resource. */
export function at(vector: Vector, place: number): number {
  return vector[place] ?? 0
}

/** True if `request` fits into `free` at least once. */
export function isWithin(request: Vector, free: Vector): boolean {
  for (let i = 0; i < request.length; i++) {
    const asked = at(request, i)
    if (asked > 0 && asked > at(free, i)) return false
  }
  return true
}

/** How many times `request` fits into `free`; nothing limits a resource that is not asked for. */
export function timesIn(request: Vector, free: Vector): number {
  let times = Number.POSITIVE_INFINITY
  for (let i = 0; i < request.length; i++) {
    const asked = at(request, i)
    if (asked > 0) times = Math.min(times, Math.floor(at(free, i) / asked))
  }
  return Math.max(0, times)
}

/** The largest share of `whole` that `part` takes of any one resource; infinite where there is none of it. */
export function dominantShare(part: Vector, whole: Vector): number {
  let share = 0
  for (let i = 0; i < part.length; i++) {
    const asked = at(part, i)
    if (asked > 0) share = Math.max(share, asked / at(whole, i))
  }
  return share
}

/** An amount as people write it: `1500m`, `2Gi`, `3`. */
export function amountText(space: ResourceSpace, place: number, amount: number): string {
  if (place === cpu) return formatMillicores(amount)
  const name = space.names[place] ?? ''
  const inBytes = place === memory || place === storage || name.startsWith('hugepages-')
  return inBytes ? formatBytes(amount) : String(amount)
}

/**
 * What a pod asks for, as kube-scheduler counts it (k8s.io/component-helpers resource.PodRequests): the sum of
 * containers and sidecars, or what the init containers need at their worst, whichever is more; pod-level requests
 * go before; overhead comes on top. A limit without a request counts as one, as the API server would set it.
 */
export function podRequests(space: ResourceSpace, spec: PodSpec, path: string): Vector {
  const running = zero(space)
  for (const [i, container] of spec.containers.entries()) {
    add(running, containerRequests(space, container, `${path}.containers[${i}]`))
  }
  const total = withInitContainers(space, spec, running, path)
  applyPodLevel(space, spec, total, path)
  add(total, vectorOf(space, spec.overhead, `${path}.overhead`))
  total[pods] = 1
  return total
}

function containerRequests(space: ResourceSpace, { resources }: Container, path: string): Vector {
  if (!resources) return zero(space)
  return vectorOf(space, { ...resources.limits, ...resources.requests }, `${path}.resources.requests`)
}

function withInitContainers(space: ResourceSpace, spec: PodSpec, running: Vector, path: string): Vector {
  const sidecars = zero(space)
  const worst = zero(space)
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    const asked = containerRequests(space, container, `${path}.initContainers[${i}]`)
    const isSidecar = container.restartPolicy === 'Always'
    if (isSidecar) add(sidecars, asked)
    for (let r = 0; r < worst.length; r++) {
      worst[r] = Math.max(at(worst, r), at(sidecars, r) + (isSidecar ? 0 : at(asked, r)))
    }
  }
  add(running, sidecars)
  return running.map((amount, r) => Math.max(amount, at(worst, r)))
}

// KEP-2837: where the pod itself names an amount, its containers' requests do not count.
function applyPodLevel(space: ResourceSpace, { resources }: PodSpec, total: Vector, path: string): void {
  if (!resources) return
  const requests = vectorOf(space, resources.requests, `${path}.resources.requests`)
  const limits = vectorOf(space, resources.limits, `${path}.resources.limits`)
  for (let r = 0; r < total.length; r++) {
    if (at(requests, r) > 0) total[r] = at(requests, r)
    else if (at(total, r) === 0) total[r] = at(limits, r)
  }
}
