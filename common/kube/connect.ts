import { KubeConfig } from '@kubernetes/client-node'
import type { Clock } from '../clock.ts'
import { errorText, hasCode, InputError, TransientError } from '../errors.ts'
import { watchError } from './api-error.ts'
import type { KubeClient, ListQuery, ObjectList, ObjectName, WatchEvent } from './client.ts'
import type { KubeObject } from './objects.ts'
import { pathOf, type Resource } from './resources.ts'
import { createTransport, type Transport, type TransportOptions } from './transport.ts'

export interface ConnectOptions extends Partial<TransportOptions> {
  /** Path of a kubeconfig file; empty means the service account of the pod. */
  kubeconfig: string
  /** Of the kubeconfig; empty means its current one. */
  context?: string
}

// The API server closes a watch by itself after this long; one that is still silent a while later is dead.
const watchSeconds = 300
const silenceMs = (watchSeconds + 30) * 1000
const pageSize = 500

/**
 * The Kubernetes API of a kubeconfig's current context, or of the cluster the pod runs in. Nothing is sent yet.
 * Throws `InputError` if the configuration cannot be read or does not name an https server.
 */
export function connect(
  { clock }: { clock: Clock },
  { kubeconfig, context = '', callMs = 30_000, maxReplyBytes = 64 * 2 ** 20 }: ConnectOptions,
): KubeClient {
  const transport = createTransport({ clock }, loadConfig(kubeconfig, context), { callMs, maxReplyBytes })
  return createClient(transport)
}

function loadConfig(kubeconfig: string, context: string): KubeConfig {
  const config = new KubeConfig()
  try {
    if (kubeconfig === '') config.loadFromCluster()
    else config.loadFromFile(kubeconfig)
  } catch (error) {
    throw new InputError('--kubeconfig', `must be a readable kubeconfig: ${errorText(error)}`)
  }
  if (context === '') return config
  const names = config.getContexts().map(({ name }) => name)
  if (!names.includes(context))
    throw new InputError('--context', `must be one of ${names.join(', ')}: current value is "${context}"`)
  config.setCurrentContext(context)
  return config
}

function createClient(transport: Transport): KubeClient {
  const object = (resource: Resource<KubeObject>, { name, namespace }: ObjectName, subresource?: string) =>
    pathOf(resource, namespace, name, subresource)

  // What the API server sends for a path is of the kind that lives there.
  return {
    get: (resource, name, signal) =>
      transport.send({ method: 'GET', path: object(resource, name) }, signal) as Promise<never>,

    list: (resource, query, signal) => listAll(transport, resource, query, signal),

    watch: (resource, query, resourceVersion, signal) =>
      watchEvents(transport, resource, query, resourceVersion, signal),

    create: (resource, body, signal) =>
      transport.send(
        { method: 'POST', path: pathOf(resource, body.metadata.namespace), body },
        signal,
      ) as Promise<never>,

    patch(resource, name, patch, { subresource, resourceVersion }, signal) {
      const body = resourceVersion ? withVersion(patch, resourceVersion) : patch
      const contentType = 'application/merge-patch+json'
      const path = object(resource, name, subresource)
      return transport.send({ method: 'PATCH', path, body, contentType }, signal) as Promise<never>
    },

    async delete(resource, name, { uid, gracePeriodSeconds }, signal) {
      const body = { ...deleteOptions(uid, gracePeriodSeconds), propagationPolicy: 'Background' }
      await transport.send({ method: 'DELETE', path: object(resource, name), body }, signal)
    },

    async evict({ name, namespace, uid, gracePeriodSeconds }, signal) {
      const body = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace },
        deleteOptions: deleteOptions(uid, gracePeriodSeconds),
      }
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`
      await transport.send({ method: 'POST', path, body }, signal)
    },

    post: (path, body, signal) => transport.send({ method: 'POST', path, body }, signal) as Promise<never>,

    read: (path, headers, signal) =>
      transport.send({ method: 'GET', path, headers }, signal) as Promise<never>,
  }
}

function deleteOptions(uid: string | undefined, gracePeriodSeconds: number | undefined) {
  return {
    ...(uid ? { preconditions: { uid } } : {}),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
  }
}

function withVersion(patch: unknown, resourceVersion: string): unknown {
  const { metadata, ...rest } = patch as { metadata?: object }
  return { ...rest, metadata: { ...metadata, resourceVersion } }
}

interface Page<T> {
  items?: T[]
  metadata?: { resourceVersion?: string; continue?: string }
}

// A continued list may expire between two pages; then it is begun again, whole, so that it is of one moment.
async function listAll<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  query: ListQuery,
  signal: AbortSignal,
): Promise<ObjectList<T>> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await listPages(transport, resource, query, signal)
    } catch (error) {
      if (attempt >= 2 || !hasCode(error, 'Gone')) throw error
    }
  }
}

async function listPages<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  query: ListQuery,
  signal: AbortSignal,
): Promise<ObjectList<T>> {
  const items: T[] = []
  let page: Page<T> | undefined
  do {
    const next = page?.metadata?.continue
    const path = withQuery(resource, query, { limit: pageSize, ...(next ? { continue: next } : {}) })
    page = (await transport.send({ method: 'GET', path }, signal)) as Page<T>
    // Items of a typed list carry no kind of their own.
    for (const item of page.items ?? []) {
      items.push({ ...item, apiVersion: resource.apiVersion, kind: resource.kind })
    }
  } while (page.metadata?.continue)
  return { items, resourceVersion: page.metadata?.resourceVersion ?? '' }
}

async function* watchEvents<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  query: ListQuery,
  resourceVersion: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  const path = withQuery(resource, query, {
    watch: 1,
    allowWatchBookmarks: 'true',
    resourceVersion,
    timeoutSeconds: watchSeconds,
  })
  for await (const line of transport.lines(path, silenceMs, signal)) {
    const event = parseEvent<T>(line)
    if (event.type === 'ERROR') throw watchError(event.object)
    yield event
  }
}

function parseEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  try {
    return JSON.parse(line) as WatchEvent<T>
  } catch {
    throw new TransientError('a watch sent a line that is not JSON', { code: 'BadReply' })
  }
}

function withQuery(
  resource: Resource<KubeObject>,
  { namespace, labelSelector, fieldSelector }: ListQuery,
  more: Record<string, string | number>,
): string {
  const query = new URLSearchParams()
  if (labelSelector) query.set('labelSelector', labelSelector)
  if (fieldSelector) query.set('fieldSelector', fieldSelector)
  for (const [name, value] of Object.entries(more)) query.set(name, String(value))
  return `${pathOf(resource, namespace)}?${query}`
}
