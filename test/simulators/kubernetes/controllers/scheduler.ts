import { toTimestamp } from '../../../../common/clock.ts'
import type { Node, Pod } from '../../../../common/kube/objects.ts'
import { freeOf, misfit, type Room, requestsOf } from './placement.ts'
import { type ControllerDeps, reconcileOnChange } from './reconciler.ts'

/** Binds pods to nodes, and tells of those that fit none, as kube-scheduler does. */
export function startScheduler(deps: ControllerDeps, signal: AbortSignal): void {
  const { store } = deps
  reconcileOnChange(
    deps,
    ['pods', 'nodes'],
    () => {
      const pods = store.list<Pod>('pods')
      const nodes = store.list<Node>('nodes')
      const free = new Map(nodes.map((node) => [node.metadata.name, freeOf(node, podsOn(pods, node))]))
      const waiting = pods.filter(
        ({ spec, metadata, status }) =>
          !spec.nodeName && !metadata.deletionTimestamp && status?.phase === 'Pending',
      )
      for (const pod of byPriority(waiting)) schedule(deps, pod, nodes, free)
      return undefined
    },
    signal,
  )
}

function podsOn(pods: readonly Pod[], { metadata }: Node): Pod[] {
  return pods.filter(({ spec }) => spec.nodeName === metadata.name)
}

function byPriority(pods: readonly Pod[]): Pod[] {
  const born = ({ metadata }: Pod) => metadata.creationTimestamp ?? ''
  return [...pods].sort(
    (a, b) => (b.spec.priority ?? 0) - (a.spec.priority ?? 0) || born(a).localeCompare(born(b)),
  )
}

function schedule(deps: ControllerDeps, pod: Pod, nodes: readonly Node[], free: Map<string, Room>): void {
  const { store, clock } = deps
  if (pod.spec.schedulingGates?.length) {
    say(deps, pod, 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates')
    return
  }
  const reasons = new Map<string, number>()
  let best: { name: string; room: Room; share: number } | undefined
  for (const node of nodes) {
    const { name } = node.metadata
    const room = free.get(name) ?? { cpu: 0, memory: 0, pods: 0 }
    const reason = misfit(pod, node, room)
    if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    else {
      // The emptiest node by share, as the default scoring has it; the first of equals.
      const share = room.cpu / freeOf(node, []).cpu
      if (!best || share > best.share) best = { name, room, share }
    }
  }
  if (!best) {
    const told = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort()
    const why = told.join(', ') || 'no nodes'
    say(deps, pod, 'Unschedulable', `0/${nodes.length} nodes are available: ${why}.`)
    return
  }
  const { cpu, memory } = requestsOf(pod.spec)
  free.set(best.name, {
    cpu: best.room.cpu - cpu,
    memory: best.room.memory - memory,
    pods: best.room.pods - 1,
  })
  store.patch<Pod>('pods', pod.metadata, {
    spec: { nodeName: best.name },
    status: {
      conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: toTimestamp(clock.now()) }],
    },
  })
}

function say({ store, clock }: ControllerDeps, pod: Pod, reason: string, message: string): void {
  const [present] = pod.status?.conditions ?? []
  if (present?.reason === reason && present.message === message) return
  const lastTransitionTime = present?.lastTransitionTime ?? toTimestamp(clock.now())
  const condition = { type: 'PodScheduled', status: 'False', reason, message, lastTransitionTime }
  store.patch<Pod>('pods', pod.metadata, { status: { conditions: [condition] } })
}
