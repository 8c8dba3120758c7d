import type { KubeClient } from '../../common/kube/client.ts'

/** Whose token it is, as the API server tells it. */
export interface TokenUser {
  username: string
  /** What else it says of the user, such as `authentication.kubernetes.io/pod-name`. */
  extra: Readonly<Record<string, readonly string[]>>
}

interface TokenReview {
  status?: {
    authenticated?: boolean
    audiences?: string[]
    user?: { username?: string; extra?: Record<string, string[]> }
  }
}

const path = '/apis/authentication.k8s.io/v1/tokenreviews'

/**
 * Asks the API server whose token it is. Undefined if it is nobody's, or not for `audience`. Throws what the client
 * throws when the API server does not answer.
 */
export async function reviewToken(
  { client }: { client: Pick<KubeClient, 'post'> },
  token: string,
  audience: string,
  signal: AbortSignal,
): Promise<TokenUser | undefined> {
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token, audiences: [audience] },
  }
  const { status } = await client.post<TokenReview>(path, body, signal)
  // A server that does not know audiences leaves them out; then the token may be for anybody.
  if (!status?.authenticated || !status.audiences?.includes(audience)) return undefined
  const { username, extra = {} } = status.user ?? {}
  return username === undefined ? undefined : { username, extra }
}
