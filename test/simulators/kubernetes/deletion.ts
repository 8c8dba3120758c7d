import { toTimestamp } from '../../../common/clock.ts'
import type { KubeObject, ObjectMeta, Pod } from '../../../common/kube/objects.ts'
import type { Kind } from './kinds.ts'

/** meta.v1 DeleteOptions. */
export interface DeleteOptions {
  gracePeriodSeconds?: number | undefined
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined
}

export interface Deletion<T> {
  object: T
  /** False: marked, and held by finalizers or a grace period. */
  gone: boolean
}

const defaultPodGraceSeconds = 30

/** Seconds the object is left; only pods that a kubelet runs get any (k8s.io/kubernetes pkg/registry/core/pod). */
export function graceOf(kind: Kind, object: KubeObject, { gracePeriodSeconds }: DeleteOptions): number {
  if (kind.plural !== 'pods') return 0
  // Objects kept under "pods" are Pods.
  const { spec, status, metadata } = object as Pod
  if (!spec.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0
  const asked = gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? defaultPodGraceSeconds
  // A second deletion can only shorten what is left.
  return metadata.deletionTimestamp ? Math.min(asked, metadata.deletionGracePeriodSeconds ?? 0) : asked
}

/** The object with what a deletion writes into its metadata. */
export function marked(object: KubeObject, grace: number, options: DeleteOptions, now: number): KubeObject {
  const { metadata } = object
  const again = metadata.deletionTimestamp !== undefined
  const shortened = again && grace < (metadata.deletionGracePeriodSeconds ?? 0)
  const finalizers = withPropagation(metadata, options)
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(finalizers ? { finalizers } : {}),
      ...(again && !shortened
        ? {}
        : { deletionTimestamp: toTimestamp(now + grace * 1000), deletionGracePeriodSeconds: grace }),
      ...(again ? {} : { generation: (metadata.generation ?? 0) + 1 }),
    },
  }
}

function withPropagation(
  { finalizers }: ObjectMeta,
  { propagationPolicy }: DeleteOptions,
): string[] | undefined {
  const added = { Foreground: 'foregroundDeletion', Orphan: 'orphan', Background: undefined }
  const finalizer = propagationPolicy && added[propagationPolicy]
  if (!finalizer || finalizers?.includes(finalizer)) return finalizers
  return [...(finalizers ?? []), finalizer]
}
