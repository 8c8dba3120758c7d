import { taints } from '../../common/api/names.ts'
import type { Clock } from '../../common/clock.ts'
import { hasCode } from '../../common/errors.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import type { Node, Taint } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { retry } from '../../common/retry.ts'

type TaintDeps = { client: KubeClient; clock: Clock; random: () => number }

/** Keeps the scheduler away from a node that is leaving. Returns the Node as it was before. Idempotent. */
export function taintDisrupted(deps: TaintDeps, node: string, signal: AbortSignal): Promise<Node> {
  return changeTaints(
    deps,
    node,
    (present) => {
      if (present.some(({ key }) => key === taints.disrupted)) return present
      return [...present, { key: taints.disrupted, effect: 'NoSchedule' }]
    },
    signal,
  )
}

/** Lets the scheduler use a node again whose removal was called off. A node that is gone is fine. */
export async function untaintDisrupted(deps: TaintDeps, node: string, signal: AbortSignal): Promise<void> {
  try {
    await changeTaints(deps, node, (present) => present.filter(({ key }) => key !== taints.disrupted), signal)
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error
  }
}

// A merge patch replaces the whole list of taints, so it is only sent against the version that was read.
function changeTaints(
  deps: TaintDeps,
  name: string,
  change: (present: readonly Taint[]) => readonly Taint[],
  signal: AbortSignal,
): Promise<Node> {
  const attempt = async (): Promise<Node> => {
    const node = await deps.client.get(resources.nodes, { name }, signal)
    const present = node.spec?.taints ?? []
    const wanted = change(present)
    if (wanted.length !== present.length) {
      const { resourceVersion } = node.metadata
      const patch = { spec: { taints: wanted.length > 0 ? wanted : null } }
      await deps.client.patch(
        resources.nodes,
        { name },
        patch,
        resourceVersion ? { resourceVersion } : {},
        signal,
      )
    }
    return node
  }
  return retry(
    deps.clock,
    attempt,
    {
      attempts: 10,
      random: deps.random,
      retryable: (error) => hasCode(error, 'Conflict', 'Timeout', 'Unreachable', 'ServerError', 'Throttled'),
    },
    signal,
  )
}
