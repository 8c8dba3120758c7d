import { randomBytes, randomUUID } from 'node:crypto'
import type { Pod } from '../../../common/kube/objects.ts'
import { StatusError } from './status.ts'
import type { Store } from './store.ts'

/** Who makes a request, as authentication.k8s.io/v1 UserInfo. */
export interface User {
  username: string
  uid?: string
  groups: readonly string[]
  extra?: Readonly<Record<string, readonly string[]>>
}

interface Token {
  user: User
  audiences: readonly string[]
  /** Milliseconds since the epoch. */
  expiresAt: number
  /** A token is no longer good when the pod it was made for is gone. */
  pod?: { namespace: string; name: string; uid: string }
}

export interface TokenRequest {
  namespace: string
  serviceAccount: string
  /** Left out: good for the API server. */
  audience?: string | undefined
  /** Bound to this pod, as a mounted token is; then it names the pod's node. */
  pod?: string | undefined
  expirationSeconds?: number | undefined
}

export const apiAudience = 'https://kubernetes.default.svc'

/** All tokens ever given out. */
export interface Users {
  /** A token for any user, good for the API server for a day. */
  tokenOf(username: string): string
  /** What TokenRequest gives. Throws 404 for an unknown account or pod. */
  request(request: TokenRequest): { token: string; expiresAt: number }
  /** The user of a token that is good for one of the audiences; undefined for any other. */
  find(token: string, audiences?: readonly string[]): { user: User; audiences: string[] } | undefined
}

export function createUsers(store: Store): Users {
  const tokens = new Map<string, Token>()

  function issue(token: Token): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const exp = Math.floor(token.expiresAt / 1000)
    const claims = {
      iss: apiAudience,
      sub: token.user.username,
      aud: token.audiences,
      exp,
      jti: randomUUID(),
    }
    const text = `${part({ alg: 'RS256' })}.${part(claims)}.${randomBytes(32).toString('base64url')}`
    tokens.set(text, token)
    return text
  }

  function isBoundPodGone({ pod }: Token): boolean {
    return pod !== undefined && store.find<Pod>('pods', pod)?.metadata.uid !== pod.uid
  }

  return {
    tokenOf: (username) =>
      issue({ user: userOf(username), audiences: [apiAudience], expiresAt: store.clock.now() + 86_400_000 }),

    request({ namespace, serviceAccount, audience = apiAudience, pod: name, expirationSeconds = 3600 }) {
      store.get('serviceaccounts', { namespace, name: serviceAccount })
      const pod = name === undefined ? undefined : store.get<Pod>('pods', { namespace, name })
      const user = userOf(`system:serviceaccount:${namespace}:${serviceAccount}`)
      const expiresAt = store.clock.now() + expirationSeconds * 1000
      const bound = pod && {
        pod: { namespace, name: pod.metadata.name, uid: pod.metadata.uid ?? '' },
        user: { ...user, extra: podExtra(store, pod) },
      }
      return { token: issue({ user, audiences: [audience], expiresAt, ...bound }), expiresAt }
    },

    find(text, audiences = [apiAudience]) {
      const token = tokens.get(text)
      if (!token || token.expiresAt <= store.clock.now() || isBoundPodGone(token)) return undefined
      const common = token.audiences.filter((audience) => audiences.includes(audience))
      return common.length > 0 ? { user: token.user, audiences: common } : undefined
    },
  }
}

/** KEP-4193: a token bound to a pod also names the pod's node. */
function podExtra(store: Store, { metadata, spec }: Pod): Record<string, string[]> {
  const extra = (name: string, value: string | undefined) =>
    value ? { [`authentication.kubernetes.io/${name}`]: [value] } : {}
  const node = spec.nodeName ? store.find('nodes', { name: spec.nodeName }) : undefined
  return {
    ...extra('pod-name', metadata.name),
    ...extra('pod-uid', metadata.uid),
    ...extra('node-name', spec.nodeName),
    ...extra('node-uid', node?.metadata.uid),
  }
}

/** A user with the groups its name implies. */
export function userOf(username: string): User {
  const [, , namespace] = /^(system:serviceaccount):([^:]+):/.exec(username) ?? []
  const groups =
    username === 'admin' ? ['system:masters'] : username.startsWith('system:node:') ? ['system:nodes'] : []
  const accounts = namespace ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] : []
  return { username, uid: `uid-of-${username}`, groups: [...groups, ...accounts, 'system:authenticated'] }
}

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized')
}
