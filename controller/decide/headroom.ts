import { labels } from '../../common/api/names.ts'
import { InputError } from '../../common/errors.ts'
import type { Pod, PodSpec } from '../../common/kube/objects.ts'
import type { Group } from './groups.ts'
import { add, podRequests, type ResourceSpace, resourceSpace, type Vector, zero } from './resources.ts'
import { furtherResources } from './shape/reads.ts'

/** Room that a group keeps spare: so many equal pods that do not exist. */
export interface Headroom {
  readonly group: Group
  readonly pod: Pod
  readonly count: number
}

/**
 * The virtual pods of a group's `headroom`. A percentage is of the pods the group runs (`runningPods`): as many pods
 * of their mean size.
 */
export function headroomOf(group: Group, runningPods: () => readonly Pod[]): Headroom | undefined {
  const { headroom } = group.spec
  if (!headroom || group.isDeleted) return undefined
  if (headroom.requests)
    return { group, pod: virtualPod(group, headroom.requests), count: headroom.pods ?? 1 }
  const running = runningPods()
  const count = Math.ceil((running.length * (headroom.percent ?? 0)) / 100)
  return count === 0 ? undefined : { group, pod: virtualPod(group, meanRequests(running)), count }
}

function meanRequests(running: readonly Pod[]): Record<string, string> {
  const space = resourceSpace(furtherResources(running))
  const sum = zero(space)
  for (const { spec } of running) add(sum, requestsOf(spec, space))
  const mean = [...sum].map((amount) => Math.ceil(amount / running.length))
  const text = (name: string, amount: number) => (name === 'cpu' ? `${amount}m` : String(amount))
  return Object.fromEntries(
    space.names.map((name, i) => [name, text(name, mean[i] ?? 0)]).filter(([name]) => name !== 'pods'),
  )
}

/** Nothing for a pod whose quantities are none: it is told where pods are decided about. */
function requestsOf(spec: PodSpec, space: ResourceSpace): Vector {
  try {
    return podRequests(space, spec, 'spec')
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return zero(space)
  }
}

function virtualPod(group: Group, requests: Record<string, string | number>): Pod {
  const { name, namespace = '' } = group.object.metadata
  return {
    metadata: { name: `headroom-${name}`, namespace },
    spec: {
      containers: [{ name: 'headroom', resources: { requests } }],
      nodeSelector: { [labels.nodeGroup]: name },
      tolerations: (group.spec.taints ?? []).map(({ key, effect }) => ({ key, operator: 'Exists', effect })),
    },
  }
}
