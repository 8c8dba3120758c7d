import { isRecord } from './merge.ts'
import { isAllowed } from './rbac.ts'
import { badRequest } from './status.ts'
import type { Store } from './store.ts'
import type { User, Users } from './users.ts'

/** A resource that is answered and not stored. */
export type Virtual = (body: unknown, user: User) => object

/** By path: questions about tokens and rights. */
export function virtualResources(store: Store, users: Users): ReadonlyMap<string, Virtual> {
  return new Map<string, Virtual>([
    ['/apis/authentication.k8s.io/v1/tokenreviews', (body) => tokenReview(users, body)],
    [
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      (body, user) => accessReview(store, body, user),
    ],
  ])
}

interface TokenReview {
  spec: { token?: string; audiences?: string[] }
}

function tokenReview(users: Users, body: unknown): object {
  const { spec } = bodyOf<TokenReview>(body)
  const found = users.find(spec.token ?? '', spec.audiences)
  const status = found
    ? { authenticated: true, user: found.user, audiences: found.audiences }
    : { authenticated: false, error: 'invalid bearer token' }
  return { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec, status }
}

interface AccessReview {
  spec: {
    resourceAttributes?: Partial<
      Record<'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name', string>
    >
  }
}

function accessReview(store: Store, body: unknown, user: User): object {
  const { spec } = bodyOf<AccessReview>(body)
  const { verb = '', group = '', resource = '', subresource, namespace, name } = spec.resourceAttributes ?? {}
  const full = subresource ? `${resource}/${subresource}` : resource
  const allowed = isAllowed(store, user, { verb, group, resource: full, namespace, name })
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    metadata: {},
    spec,
    status: { allowed },
  }
}

function bodyOf<T extends { spec: object }>(body: unknown): T {
  if (!isRecord(body) || !isRecord(body.spec)) throw badRequest('spec is required')
  return body as unknown as T
}
