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
      const stored = await send('GET', pathFor(object), undefined)
      const { labels, annotations } = object.metadata
      const metadata = {
        ...stored.object.metadata,
        ...(labels ? { labels } : {}),
        ...(annotations ? { annotations } : {}),
      }
      return send('PUT', pathFor(object), { ...object, metadata }, as, dryRun)
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
