import type { KubeObject } from '../../../common/kube/objects.ts'
import { pathOf } from '../../../common/kube/resources.ts'
import type { AdmissionCase } from '../../fixtures/admission-cases.ts'
import { resourceOf } from '../../fixtures/apply.ts'
import { call } from '../../fixtures/http.ts'
import type { RealFloor } from '../../floors/real.ts'

export interface Outcome {
  status: number
  message: string
  /** `field: message` of each cause. */
  causes: string[]
  warnings: string[]
  object: KubeObject
}

interface User {
  username: string
  groups: readonly string[]
}

/** Calls of any user, who may do everything that admission does not refuse. */
export function callsOf({ url, ca, adminToken }: RealFloor) {
  const port = Number(new URL(url).port)

  async function send(
    method: string,
    path: string,
    body: unknown,
    user?: User,
    query = '',
  ): Promise<Outcome> {
    const headers = {
      authorization: `Bearer ${adminToken}`,
      'content-type': 'application/json',
      ...(user ? { 'impersonate-user': user.username, 'impersonate-group': [...user.groups] } : {}),
    }
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    const reply = await call({ port, ca, method, path: path + query, ...text, more: { headers } })
    const answer = JSON.parse(reply.body)
    const causes = (answer.details?.causes ?? []) as { field?: string; message: string }[]
    return {
      status: reply.status,
      message: String(answer.message ?? ''),
      causes: causes.map(({ field = '', message }) => `${field}: ${message}`),
      warnings: warningsOf(reply.headers.warning),
      object: answer,
    }
  }

  const dryRun = '?dryRun=All&fieldValidation=Ignore'
  const pathFor = (object: KubeObject) =>
    pathOf(resourceOf(object), object.metadata.namespace, object.metadata.name)
  const collectionOf = (object: KubeObject) => pathOf(resourceOf(object), object.metadata.namespace)

  /** The update of the case, from what is stored at this moment. Of a Node the control plane writes the spec too. */
  async function update(object: KubeObject, as: User): Promise<Outcome> {
    const stored = (await send('GET', pathFor(object), undefined)).object
    const { labels, annotations } = object.metadata
    const metadata = {
      ...stored.metadata,
      ...(labels ? { labels: { ...stored.metadata.labels, ...labels } } : {}),
      ...(annotations ? { annotations } : {}),
    }
    const changed = object.kind === 'Node' ? { ...stored, metadata } : { ...object, metadata }
    const outcome = await send('PUT', pathFor(object), changed, as, dryRun)
    return outcome.status === 409 ? update(object, as) : outcome
  }

  return {
    /** Stores an object, whatever admission would say, and sets it on its way out if it is to be. */
    async plant(object: KubeObject): Promise<Outcome> {
      const outcome = await send('POST', collectionOf(object), bare(object))
      if (object.metadata.deletionTimestamp) await send('DELETE', pathFor(object), undefined)
      return outcome
    },
    /** What the API server says to the case; nothing is stored. */
    async ask({ operation, object, user }: AdmissionCase): Promise<Outcome> {
      const groups = [...user.groups, 'system:masters']
      const as = { username: user.username, groups }
      if (operation === 'CREATE') return send('POST', collectionOf(object), bare(object), as, dryRun)
      if (operation === 'DELETE') return send('DELETE', pathFor(object), undefined, as, dryRun)
      return update(object, as)
    },
    send,
  }
}

/** Without what only the API server sets. */
function bare(object: KubeObject): object {
  const { uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, ...metadata } =
    object.metadata
  return { ...object, metadata }
}

function warningsOf(header: string | string[] | undefined): string[] {
  const text = [header ?? ''].flat().join(', ')
  return [...text.matchAll(/299 - ("(?:[^"\\]|\\.)*")/g)].map(
    ([, quoted = '""']) => JSON.parse(quoted) as string,
  )
}
