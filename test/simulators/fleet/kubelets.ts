import { type Clock, toTimestamp } from '../../../common/clock.ts'
import { hasCode } from '../../../common/errors.ts'
import type { Cache } from '../../../common/kube/cache.ts'
import type { KubeClient } from '../../../common/kube/client.ts'
import type { Node, Pod, PodCondition } from '../../../common/kube/objects.ts'
import { keyOf, resources } from '../../../common/kube/resources.ts'
import type { Logger } from '../../../common/log.ts'
import { persist } from './persist.ts'

/** How the program of a pod goes. */
export interface PodRun {
  /** The pod's address in the cluster; nothing routes to it here. */
  podIP: string
  /** Asked now and then: what the readiness probe of the pod would find. */
  isReady(): Promise<boolean>
  /** Resolves with its exit code, for a pod that is to end by itself. */
  ended?: Promise<number>
}

export interface KubeletDeps {
  pods: Cache<Pod>
  nodes: Cache<Node>
  clock: Clock
  log: Logger
  /** A client with the rights of a node's kubelet, `system:node:<name>`. */
  kubelet(nodeName: string): Promise<KubeClient>
}

export interface KubeletOptions {
  /** Which pods are theirs. */
  runs(pod: Pod): boolean
  /** From binding to running. */
  startMs: number
  /** From the order to stop until a pod has ended, at most its grace. */
  stopMs: number
  /** Between two questions of readiness. */
  probeMs: number
  /** Runs the pod's program; undefined for a pod that is nothing but an object, which is ready at once. */
  start(pod: Pod): Promise<PodRun | undefined>
  /** Ends it; the pod is gone once this has resolved. */
  stop(pod: Pod): Promise<void>
}

interface Entry {
  pod: Pod
  phase: 'running' | 'stopping'
  life: AbortController
}

/**
 * The kubelets' part, through the API and with kubelets' rights: pods that are bound to a ready node run, tell
 * whether they are ready, and end when they are deleted or their node is gone.
 */
export function startKubelets(deps: KubeletDeps, options: KubeletOptions, signal: AbortSignal): void {
  const { pods, nodes } = deps
  const entries = new Map<string, Entry>()

  function begin(pod: Pod): void {
    const { life } = adopt(pod)
    track(run(deps, options, pod, AbortSignal.any([signal, life.signal])))
  }

  function end(entry: Entry, isNodeGone: boolean): void {
    entry.phase = 'stopping'
    entry.life.abort(new DOMException('the pod is to end', 'AbortError'))
    track(stop(deps, options, entry.pod, isNodeGone, signal))
  }

  function track(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof DOMException)) throw error // whoever aborted knows why
    })
  }

  function reconcile(): void {
    if (!nodes.synced || !pods.synced) return
    const present = new Set<string>()
    for (const pod of pods.list()) {
      const node = nodes.get(pod.spec.nodeName ?? '')
      if (!node || !options.runs(pod)) continue
      present.add(uidOf(pod))
      const entry = entries.get(uidOf(pod))
      if (pod.metadata.deletionTimestamp) {
        if (entry?.phase === 'running') end(entry, false)
        else if (!entry) end(adopt(pod), false)
      } else if (!entry && pod.status?.phase === 'Pending' && isNodeReady(node)) begin(pod)
    }
    // A pod that went without its kubelet, or with its node: its program ends as well.
    for (const [uid, entry] of entries) {
      if (present.has(uid)) continue
      if (entry.phase === 'running') end(entry, true)
      entries.delete(uid)
    }
  }

  function adopt(pod: Pod): Entry {
    const entry: Entry = { pod, phase: 'running', life: new AbortController() }
    entries.set(uidOf(pod), entry)
    return entry
  }

  for (const cache of [pods, nodes])
    signal.addEventListener('abort', cache.onChange(reconcile), { once: true })
  reconcile()
}

async function run(
  deps: KubeletDeps,
  { startMs, probeMs, start }: KubeletOptions,
  pod: Pod,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = deps
  await clock.sleep(startMs, signal)
  const run = await persist(deps, `start ${keyOf(pod)}`, () => start(pod), signal)
  signal.throwIfAborted()
  let told: boolean | undefined
  const say = (phase: Phase, isReady: boolean) =>
    persist(
      deps,
      `status of ${keyOf(pod)}`,
      () => tell(deps, pod, statusOf(phase, isReady, run?.podIP, clock.now()), signal),
      signal,
    )
  void run?.ended?.then(
    (code) => say(code === 0 ? 'Succeeded' : 'Failed', false).catch(() => undefined), // the pod went meanwhile
  )
  do {
    const isReady = run ? await run.isReady() : true
    if (isReady !== told && !run?.ended) await say('Running', isReady)
    told = isReady
    if (!run || run.ended) return
    await clock.sleep(probeMs, signal)
  } while (!signal.aborted)
}

async function stop(
  deps: KubeletDeps,
  { stopMs, stop }: KubeletOptions,
  pod: Pod,
  isNodeGone: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { clock, kubelet } = deps
  const graceMs = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
  if (!isNodeGone) await clock.sleep(Math.min(stopMs, graceMs), signal)
  await stop(pod)
  if (isNodeGone) return
  const { uid = '', name, namespace = '' } = pod.metadata
  const remove = async () => {
    const client = await kubelet(pod.spec.nodeName ?? '')
    await client
      .delete(resources.pods, { name, namespace }, { uid, gracePeriodSeconds: 0 }, signal)
      .catch(unlessGone)
  }
  await persist(deps, `end of ${keyOf(pod)}`, remove, signal)
}

async function tell(
  { kubelet }: KubeletDeps,
  { metadata, spec }: Pod,
  status: Pod['status'],
  signal: AbortSignal,
): Promise<void> {
  const client = await kubelet(spec.nodeName ?? '')
  const { name, namespace = '' } = metadata
  await client
    .patch(resources.pods, { name, namespace }, { status }, { subresource: 'status' }, signal)
    .catch(unlessGone)
}

function unlessGone(error: unknown): void {
  if (!hasCode(error, 'NotFound') && !hasCode(error, 'Conflict')) throw error
}

const uidOf = (pod: Pod) => pod.metadata.uid ?? keyOf(pod)

export function isNodeReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

type Phase = 'Running' | 'Succeeded' | 'Failed'

function statusOf(phase: Phase, isReady: boolean, podIP: string | undefined, now: number): Pod['status'] {
  const lastTransitionTime = toTimestamp(now)
  const condition = (type: string, holds: boolean): PodCondition => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime,
  })
  const conditions = [
    condition('PodScheduled', true),
    condition('Initialized', true),
    condition('ContainersReady', isReady),
    condition('Ready', isReady),
  ]
  const addresses = podIP ? { podIP, podIPs: [{ ip: podIP }] } : {}
  return { phase, startTime: lastTransitionTime, conditions, ...addresses }
}
