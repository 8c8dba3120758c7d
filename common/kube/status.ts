import { toTimestamp } from '../clock.ts'
import type { KubeClient, ObjectName } from './client.ts'
import type { Condition, KubeObject } from './objects.ts'
import type { Resource } from './resources.ts'

/**
 * Writes fields of an object's status, and no others, by merge patch on the status subresource; null removes one.
 * With `resourceVersion` the write fails with code `Conflict` if the object has changed since it was read.
 */
export function patchStatus<T extends KubeObject>(
  { client }: { client: Pick<KubeClient, 'patch'> },
  resource: Resource<T>,
  name: ObjectName,
  status: object,
  { resourceVersion }: { resourceVersion?: string },
  signal: AbortSignal,
): Promise<T> {
  const options = { subresource: 'status' as const, ...(resourceVersion ? { resourceVersion } : {}) }
  return client.patch(resource, name, { status }, options, signal)
}

/**
 * The list with one condition of this type set at `nowMs`. Its transition time changes only with its status; other
 * types keep their place and content (metav1.Condition, k8s.io/apimachinery pkg/api/meta SetStatusCondition).
 */
export function setCondition(
  list: readonly Condition[],
  condition: Omit<Condition, 'lastTransitionTime'>,
  nowMs: number,
): Condition[] {
  const before = list.find(({ type }) => type === condition.type)
  const same = before?.status === condition.status && before.lastTransitionTime !== undefined
  const lastTransitionTime = same ? before.lastTransitionTime : toTimestamp(nowMs)
  const set = { ...condition, lastTransitionTime }
  return before ? list.map((each) => (each === before ? set : each)) : [...list, set]
}
