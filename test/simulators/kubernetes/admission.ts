import { randomUUID } from 'node:crypto'
import { Agent, request as httpsRequest } from 'node:https'
import type { KubeObject } from '../../../common/kube/objects.ts'
import { evaluate } from '../../fixtures/cel.ts'
import { jsonPatch, type Operation } from './json-patch.ts'
import type { Kind } from './kinds.ts'
import { apiVersionOf } from './kinds.ts'
import { type Status, StatusError } from './status.ts'
import type { Store } from './store.ts'
import type { User } from './users.ts'

/** A write that webhooks are asked about. */
export interface Admission {
  operation: 'CREATE' | 'UPDATE' | 'DELETE'
  kind: Kind
  subresource: string | undefined
  object: KubeObject | null
  oldObject: KubeObject | null
  user: User
  dryRun: boolean
}

interface Webhook {
  name: string
  clientConfig: { url?: string; caBundle?: string; service?: ServiceReference }
  rules?: { apiGroups: string[]; apiVersions: string[]; resources: string[]; operations: string[] }[]
  failurePolicy?: 'Fail' | 'Ignore'
  timeoutSeconds?: number
  matchConditions?: { name: string; expression: string }[]
}

interface ServiceReference {
  namespace: string
  name: string
  path?: string
  port?: number
}

interface Configuration extends KubeObject {
  webhooks?: Webhook[]
}

interface ReviewResponse {
  uid: string
  allowed: boolean
  status?: Partial<Status>
  patch?: string
  patchType?: string
  warnings?: string[]
}

/** Addresses (`host:port`) behind a Service's port. */
export type Resolve = (service: { namespace: string; name: string; port: number }) => readonly string[]

export interface Admitter {
  /** The object as mutating webhooks leave it. Warnings go to `warn`. Throws the refusal. */
  mutate(admission: Admission, warn: (text: string) => void): Promise<KubeObject | null>
  validate(admission: Admission, warn: (text: string) => void): Promise<void>
  stop(): void
}

/** Asks the webhooks of the configurations in the store, over TLS with their caBundle as the only trust. */
export function createAdmitter(store: Store, resolve: Resolve): Admitter {
  const agents = new Map<string, Agent>()
  const dial = createDial(agents, resolve)

  function asked(plural: string, admission: Admission): Webhook[] {
    return store
      .list<Configuration>(plural)
      .flatMap(({ webhooks = [] }) => webhooks)
      .filter((webhook) => matches(webhook, admission))
  }

  return {
    async mutate(admission, warn) {
      let { object } = admission
      for (const webhook of asked('mutatingwebhookconfigurations', admission)) {
        const response = await ask(dial, webhook, { ...admission, object }, warn)
        if (response?.patch && object) {
          const operations = JSON.parse(Buffer.from(response.patch, 'base64').toString()) as Operation[]
          object = jsonPatch(object, operations) as KubeObject
        }
      }
      return object
    },
    async validate(admission, warn) {
      for (const webhook of asked('validatingwebhookconfigurations', admission)) {
        await ask(dial, webhook, admission, warn)
      }
    },
    stop() {
      for (const agent of agents.values()) agent.destroy()
    },
  }
}

function matches({ rules = [], matchConditions = [] }: Webhook, admission: Admission): boolean {
  const { kind, subresource, operation, user, object, oldObject } = admission
  const resource = subresource ? `${kind.plural}/${subresource}` : kind.plural
  const has = (list: readonly string[], value: string) => list.includes('*') || list.includes(value)
  const ruled = rules.some(
    (rule) =>
      has(rule.apiGroups, kind.group) &&
      has(rule.apiVersions, kind.version) &&
      rule.resources.includes(resource) &&
      has(rule.operations, operation),
  )
  if (!ruled) return false
  const userInfo = { username: user.username, groups: user.groups, uid: user.uid ?? '' }
  const variables = { request: { operation, userInfo }, object, oldObject }
  return matchConditions.every(({ expression }) => evaluate(expression, variables) === true)
}

type Dial = (webhook: Webhook, body: string) => Promise<{ status: number; body: string }>

/** The webhook's answer; undefined if it failed and may be ignored. Throws its refusal. */
async function ask(
  dial: Dial,
  webhook: Webhook,
  admission: Admission,
  warn: (text: string) => void,
): Promise<ReviewResponse | undefined> {
  const uid = randomUUID()
  let response: ReviewResponse
  try {
    const reply = await dial(webhook, JSON.stringify(reviewOf(uid, admission)))
    response = readReview(uid, reply)
  } catch (error) {
    if (webhook.failurePolicy === 'Ignore') return undefined
    const why = error instanceof Error ? error.message : String(error)
    throw new StatusError(
      500,
      'InternalError',
      `Internal error occurred: failed calling webhook "${webhook.name}": failed to call webhook: ${why}`,
    )
  }
  for (const warning of response.warnings ?? []) warn(warning)
  if (response.allowed) return response
  const { message = 'without explanation', code = 400, reason = 'Forbidden', details } = response.status ?? {}
  throw new StatusError(
    Math.max(code, 400),
    reason,
    `admission webhook "${webhook.name}" denied the request: ${message}`,
    details,
  )
}

function reviewOf(
  uid: string,
  { operation, kind, subresource, object, oldObject, user, dryRun }: Admission,
): object {
  const { name, namespace } = (object ?? oldObject)?.metadata ?? {}
  const { group, version, plural } = kind
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group, version, kind: kind.kind },
      resource: { group, version, resource: plural },
      requestKind: { group, version, kind: kind.kind },
      requestResource: { group, version, resource: plural },
      ...(subresource ? { subResource: subresource } : {}),
      name: name ?? '',
      ...(namespace ? { namespace } : {}),
      operation,
      userInfo: user,
      object: withKind(kind, object),
      oldObject: withKind(kind, oldObject),
      dryRun,
      options: {
        apiVersion: 'meta.k8s.io/v1',
        kind: `${operation === 'CREATE' ? 'Create' : 'Update'}Options`,
      },
    },
  }
}

const withKind = (kind: Kind, object: KubeObject | null) =>
  object && { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object }

/** Holds an answer to what the API server demands (k8s.io/apiserver webhook/request). */
function readReview(uid: string, { status, body }: { status: number; body: string }): ReviewResponse {
  if (status !== 200)
    throw new Error(`an error on the server ("${body.slice(0, 200)}") has prevented the request: ${status}`)
  const review = JSON.parse(body) as { apiVersion?: string; kind?: string; response?: ReviewResponse }
  if (review.apiVersion !== 'admission.k8s.io/v1' || review.kind !== 'AdmissionReview')
    throw new Error('expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview')
  const { response } = review
  if (!response) throw new Error('webhook response was absent')
  if (response.uid !== uid)
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid)}`)
  if ((response.patch === undefined) !== (response.patchType === undefined))
    throw new Error('webhook returned response.patch but not response.patchType, or the other way')
  if (response.patchType !== undefined && response.patchType !== 'JSONPatch')
    throw new Error(`webhook returned invalid response.patchType of ${response.patchType}`)
  return response
}

function createDial(agents: Map<string, Agent>, resolve: Resolve): Dial {
  let turn = 0

  function target({ url, service }: Webhook['clientConfig']) {
    if (url) {
      const { hostname, port, pathname } = new URL(url)
      return { host: hostname, port: Number(port || 443), path: pathname, servername: hostname }
    }
    if (!service) throw new Error('neither url nor service')
    const { namespace, name, path = '/', port = 443 } = service
    const addresses = resolve({ namespace, name, port })
    const address = addresses[turn++ % addresses.length]
    if (address === undefined) throw new Error(`no endpoints available for service "${name}"`)
    const [host = '', digits = ''] = address.split(':')
    return { host, port: Number(digits), path, servername: `${name}.${namespace}.svc` }
  }

  return (webhook, body) => {
    const { host, port, path, servername } = target(webhook.clientConfig)
    const ca = Buffer.from(webhook.clientConfig.caBundle ?? '', 'base64').toString()
    const seconds = webhook.timeoutSeconds ?? 10
    const key = `${host}:${port} ${ca}`
    const agent = agents.get(key) ?? new Agent({ keepAlive: true, timeout: 90_000, maxFreeSockets: 25 })
    agents.set(key, agent)
    const { promise, resolve: done, reject } = Promise.withResolvers<{ status: number; body: string }>()
    const request = httpsRequest(
      {
        method: 'POST',
        host,
        port,
        path: `${path}?timeout=${seconds}s`,
        servername: /^[\d.]+$/.test(servername) ? '' : servername,
        agent,
        ca,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        signal: AbortSignal.timeout(seconds * 1000),
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
    return promise
  }
}
