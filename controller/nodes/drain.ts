import type { Clock } from '../../common/clock.ts'
import { errorText, hasCode, TransientError } from '../../common/errors.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import type { Pod } from '../../common/kube/objects.ts'
import { keyOf, resources } from '../../common/kube/resources.ts'
import type { Logger } from '../../common/log.ts'
import { fullJitter } from '../../common/retry.ts'

export interface DrainDeps {
  client: KubeClient
  clock: Clock
  log: Logger
  /** Called for each pod that the API server agreed to evict. */
  onEvicted?: (pod: Pod) => void
  random: () => number
}

export interface DrainOptions {
  /** Longest grace a pod is given, seconds; its own is kept when shorter. */
  maxPodGracePeriodSeconds: number
  /** How many evictions run at once. */
  parallel?: number
}

export interface DrainResult {
  evicted: number
  /** Pods that are still there, with what held them; empty when the node is drained. */
  blocked: { pod: string; reason: string }[]
}

const pollMs = 1000
const backoffBaseMs = 500
const backoffCapMs = 10_000
// Kubernetes' own default when a pod names no grace period.
const defaultGraceSeconds = 30
const criticalPriority = 2_000_000_000

/** The node's pods, straight from the API server: a removal never trusts a cache. */
export async function listPodsOf(client: KubeClient, node: string, signal: AbortSignal): Promise<Pod[]> {
  const { items } = await client.list(resources.pods, { fieldSelector: `spec.nodeName=${node}` }, signal)
  return items
}

/** True for pods that a drain has to move: not finished, not a DaemonSet's, not a mirror of a static pod. */
export function isMovable(pod: Pod): boolean {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return false
  if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return false
  return !pod.metadata.ownerReferences?.some(
    (owner) => owner.controller === true && owner.kind === 'DaemonSet',
  )
}

/**
 * Evicts every movable pod of a node by policy/v1 and waits until each is gone, those that arrive meanwhile too.
 * Evictions run in parallel within a wave; pods that tolerate everything follow the ordinary ones, critical pods come
 * last. A refusal (429, a PodDisruptionBudget) is asked again with backoff until `signal` aborts, which ends the drain
 * and reports what was left; nothing is deleted by force. Rejects only if the node's pods cannot be listed.
 */
export async function drain(
  deps: DrainDeps,
  node: string,
  options: DrainOptions,
  signal: AbortSignal,
): Promise<DrainResult> {
  const evicted = new Set<string>()
  let held = new Map<string, string>()
  for (let attempt = 0; ; ) {
    const left = await listLeft(deps, node, signal)
    if (left === undefined) return resultOf(evicted, held)
    if (left.length === 0) return resultOf(evicted, new Map())
    const wave = Math.min(...left.map(waveOf))
    const turn = left.filter((pod) => waveOf(pod) === wave && !evicted.has(uidOf(pod)))
    const outcome = await evictAll(deps, turn, options, signal)
    for (const pod of outcome.evicted) evicted.add(uidOf(pod))
    held = new Map(left.map((pod) => [keyOf(pod), outcome.refused.get(pod) ?? 'it has not stopped yet']))
    if (outcome.isFinal) return resultOf(evicted, outcome.final)
    // A refusal is asked again later and later, what only has to stop is looked for at a steady pace.
    attempt = outcome.refused.size > 0 ? attempt + 1 : 0
    const jitter = attempt > 0 ? fullJitter(attempt, backoffBaseMs, backoffCapMs, deps.random) : 0
    await deps.clock.sleep(Math.max(pollMs, jitter), signal).catch(() => undefined)
  }
}

/** The movable pods that are still there; undefined once the drain's time is over. */
async function listLeft(
  { client }: DrainDeps,
  node: string,
  signal: AbortSignal,
): Promise<Pod[] | undefined> {
  if (signal.aborted) return undefined
  try {
    return (await listPodsOf(client, node, signal)).filter(isMovable)
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}

function resultOf(evicted: ReadonlySet<string>, blocked: ReadonlyMap<string, string>): DrainResult {
  const rows = [...blocked].map(([pod, reason]) => ({ pod, reason }))
  return { evicted: evicted.size, blocked: rows.sort((a, b) => (a.pod < b.pod ? -1 : 1)) }
}

function uidOf({ metadata }: Pod): string {
  return metadata.uid ?? `${metadata.namespace}/${metadata.name}`
}

interface Evictions {
  /** Pods that the API server agreed to evict, or that had gone. */
  evicted: Pod[]
  /** Those it did not, for now. */
  refused: Map<Pod, string>
  /** True if asking again cannot help; `final` then tells why. */
  isFinal: boolean
  final: Map<string, string>
}

async function evictAll(
  deps: DrainDeps,
  pods: readonly Pod[],
  options: DrainOptions,
  signal: AbortSignal,
): Promise<Evictions> {
  const result: Evictions = { evicted: [], refused: new Map(), isFinal: false, final: new Map() }
  await inParallel(pods, options.parallel ?? 10, async (pod) => {
    if (signal.aborted) return void result.refused.set(pod, 'the drain ended before its turn')
    try {
      await requestEviction(deps.client, pod, options, signal)
      result.evicted.push(pod)
      if (pod.metadata.deletionTimestamp === undefined) deps.onEvicted?.(pod)
    } catch (error) {
      if (hasCode(error, 'NotFound')) return void result.evicted.push(pod)
      const reason = signal.aborted ? 'the drain ended before its turn' : errorText(error)
      result.refused.set(pod, reason)
      if (signal.aborted || error instanceof TransientError || hasCode(error, 'Conflict')) return
      result.isFinal = true
      result.final.set(keyOf(pod), reason)
    }
  })
  return result
}

/**
 * Asks once for the eviction of every pod whose turn it is, and waits for none: for a drain that goes on over many
 * passes, as long as it takes, and must hold up nothing else meanwhile. `blocked` is what is still there.
 */
export async function evictOnce(
  deps: Pick<DrainDeps, 'client' | 'onEvicted'>,
  pods: readonly Pod[],
  options: DrainOptions,
  signal: AbortSignal,
): Promise<DrainResult> {
  const result: DrainResult = { evicted: 0, blocked: [] }
  const movable = pods.filter(isMovable)
  const wave = Math.min(...movable.map(waveOf))
  await inParallel(movable, options.parallel ?? 10, async (pod) => {
    let reason = waveOf(pod) === wave ? 'it has not stopped yet' : 'its turn comes later'
    try {
      if (waveOf(pod) === wave && pod.metadata.deletionTimestamp === undefined) {
        await requestEviction(deps.client, pod, options, signal)
        result.evicted++
        deps.onEvicted?.(pod)
      }
    } catch (error) {
      signal.throwIfAborted()
      if (hasCode(error, 'NotFound')) return
      reason = errorText(error)
    }
    result.blocked.push({ pod: keyOf(pod), reason })
  })
  return result
}

function waveOf(pod: Pod): number {
  if ((pod.spec.priority ?? 0) >= criticalPriority) return 2
  const toleratesAll = pod.spec.tolerations?.some((t) => t.operator === 'Exists' && !t.key && !t.effect)
  return toleratesAll ? 1 : 0
}

async function requestEviction(
  client: KubeClient,
  pod: Pod,
  options: DrainOptions,
  signal: AbortSignal,
): Promise<void> {
  if (pod.metadata.deletionTimestamp !== undefined) return
  const own = pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds
  const { name, namespace, uid } = pod.metadata
  await client.evict(
    {
      name,
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
      ...(own > options.maxPodGracePeriodSeconds
        ? { gracePeriodSeconds: options.maxPodGracePeriodSeconds }
        : {}),
    },
    signal,
  )
}

/** Runs `work` over the items, at most `limit` at a time; rejects with the first error after all have settled. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = [...items]
  const workers = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  })
  const failed = (await Promise.allSettled(workers)).find((outcome) => outcome.status === 'rejected')
  if (failed) throw failed.reason
}
