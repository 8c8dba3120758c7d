import type { KubeObject } from './objects.ts'
import type { Resource } from './resources.ts'

/** Which object a call is about; `namespace` is left out for cluster-scoped kinds. */
export interface ObjectName {
  name: string
  namespace?: string
}

export interface ListQuery {
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
}

export interface ObjectList<T> {
  items: T[]
  resourceVersion: string
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: T
}

export interface PatchOptions {
  subresource?: 'status'
  /** The patch fails with code `Conflict` if the object is no longer at this version. */
  resourceVersion?: string
}

/**
 * The Kubernetes API as our programs use it. Every call has its own time limit and ends at once when `signal`
 * aborts. Errors are `TransientError` or `TerminalError` with a code: `NotFound`, `AlreadyExists`, `Conflict`,
 * `Gone` (410), `Invalid` (422), `Forbidden`, `Throttled` (429), `ServerError`, `Timeout`, `Unreachable`.
 * There is deliberately no whole-object update: a lost update cannot be written down with it.
 */
export interface KubeClient {
  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName, signal: AbortSignal): Promise<T>
  /** Reads all pages. */
  list<T extends KubeObject>(
    resource: Resource<T>,
    query: ListQuery,
    signal: AbortSignal,
  ): Promise<ObjectList<T>>
  /** Yields events after `resourceVersion` until the server ends the stream; throws code `Gone` when it is too old. */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    query: ListQuery,
    resourceVersion: string,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>
  create<T extends KubeObject>(resource: Resource<T>, object: T, signal: AbortSignal): Promise<T>
  /** JSON merge patch (RFC 7386): null removes a field. */
  patch<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    patch: unknown,
    options: PatchOptions,
    signal: AbortSignal,
  ): Promise<T>
  /** `uid` as a precondition makes sure that it is this object and no later one of the same name. */
  delete<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options: { uid?: string; gracePeriodSeconds?: number },
    signal: AbortSignal,
  ): Promise<void>
  /** Asks policy/v1 to evict a pod; `Throttled` means that a PodDisruptionBudget does not allow it now. */
  evict(pod: ObjectName & { uid?: string; gracePeriodSeconds?: number }, signal: AbortSignal): Promise<void>
  /** The raw reply of POST to a virtual resource such as TokenReview. */
  post<T>(path: string, body: unknown, signal: AbortSignal): Promise<T>
  /** The JSON behind a path that is no object's, such as what a pod answers through the API server's proxy. */
  read<T>(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<T>
}
