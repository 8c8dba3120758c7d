import { annotations } from '../../common/api/names.ts'
import { errorText, hasCode } from '../../common/errors.ts'
import { resources } from '../../common/kube/resources.ts'
import type { NodeDecision } from '../decide/plan.ts'
import type { ControllerDeps } from '../deps.ts'
import { inParallel } from '../nodes/drain.ts'

/**
 * Writes on each Node since when it has been unneeded, or takes the note off again, so that a new leader goes on
 * counting instead of starting over.
 */
export async function writeTimers(
  deps: Pick<ControllerDeps, 'client' | 'caches' | 'log'>,
  decisions: readonly NodeDecision[],
  signal: AbortSignal,
): Promise<void> {
  const changed = decisions.filter(({ node, nodeGroup, since }) => {
    const object = deps.caches.nodes.get(node)
    return (
      nodeGroup !== undefined &&
      object !== undefined &&
      object.metadata.annotations?.[annotations.unneededSince] !== since
    )
  })
  await inParallel(changed, 8, async ({ node, since }) => {
    const patch = { metadata: { annotations: { [annotations.unneededSince]: since ?? null } } }
    try {
      await deps.client.patch(resources.nodes, { name: node }, patch, {}, signal)
    } catch (error) {
      signal.throwIfAborted()
      // The next decision writes it; one Node's note stops nothing else.
      if (!hasCode(error, 'NotFound'))
        deps.log.warn('could not note since when a node is unneeded', { node, error: errorText(error) })
    }
  })
}
