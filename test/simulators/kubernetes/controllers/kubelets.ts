import { toTimestamp } from '../../../../common/clock.ts'
import type { Node, Pod } from '../../../../common/kube/objects.ts'
import { keyOf } from '../../../../common/kube/resources.ts'
import { type ControllerDeps, reconcileOnChange } from './reconciler.ts'

export interface KubeletOptions {
  /** From binding to ready. Default 0. */
  startMs?: number
  /** From the order to stop until a pod has ended, at most its grace. Default 0. */
  stopMs?: number
  /** Runs the pod's program; the pod is ready once this has resolved. */
  onStart?: (pod: Pod) => Promise<void>
  /** Ends it; the pod is gone once this has resolved. */
  onStop?: (pod: Pod) => Promise<void>
}

interface Known {
  pod: Pod
  phase: 'starting' | 'running' | 'stopping'
}

/** The kubelets' part: pods that are bound to a ready node run, and end when they are deleted. */
export function startKubelets(deps: ControllerDeps, options: KubeletOptions, signal: AbortSignal): void {
  const { store, clock } = deps
  const { startMs = 0, stopMs = 0, onStart, onStop } = options
  const known = new Map<string, Known>()

  async function start(pod: Pod): Promise<void> {
    await clock.sleep(startMs, signal)
    await onStart?.(pod)
    const present = store.find<Pod>('pods', pod.metadata)
    if (signal.aborted || present?.metadata.uid !== pod.metadata.uid) return
    const entry = known.get(uidOf(pod))
    if (entry?.phase === 'starting') entry.phase = 'running'
    store.patch<Pod>('pods', pod.metadata, { status: runningStatus(clock.now()) })
  }

  async function stop(pod: Pod): Promise<void> {
    await clock.sleep(Math.min(stopMs, (pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000), signal)
    await onStop?.(pod)
    known.delete(uidOf(pod))
    const present = store.find<Pod>('pods', pod.metadata)
    if (present?.metadata.uid === pod.metadata.uid)
      store.delete('pods', pod.metadata, { gracePeriodSeconds: 0 })
  }

  function begin(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }

  reconcileOnChange(
    deps,
    ['pods', 'nodes'],
    () => {
      const ready = new Set(
        store
          .list<Node>('nodes')
          .filter(isNodeReady)
          .map(({ metadata }) => metadata.name),
      )
      const present = new Set<string>()
      for (const pod of store.list<Pod>('pods')) {
        present.add(uidOf(pod))
        if (!pod.spec.nodeName || !ready.has(pod.spec.nodeName)) continue
        const entry = known.get(uidOf(pod))
        if (!pod.metadata.deletionTimestamp && !entry && pod.status?.phase === 'Pending') {
          known.set(uidOf(pod), { pod, phase: 'starting' })
          begin(start(pod))
        } else if (pod.metadata.deletionTimestamp && entry?.phase !== 'stopping') {
          known.set(uidOf(pod), { pod, phase: 'stopping' })
          begin(stop(pod))
        }
      }
      // Pods that went without their kubelet, with their node: their programs end as well.
      for (const [uid, { pod, phase }] of known) {
        if (present.has(uid) || phase === 'stopping') continue
        known.delete(uid)
        begin(Promise.resolve(onStop?.(pod)))
      }
      return undefined
    },
    signal,
  )
}

const uidOf = (pod: Pod) => pod.metadata.uid ?? keyOf(pod)

export function isNodeReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

function runningStatus(now: number): Pod['status'] {
  const lastTransitionTime = toTimestamp(now)
  return {
    phase: 'Running',
    startTime: lastTransitionTime,
    conditions: [
      { type: 'PodScheduled', status: 'True', lastTransitionTime },
      { type: 'Ready', status: 'True', lastTransitionTime },
    ],
  }
}
