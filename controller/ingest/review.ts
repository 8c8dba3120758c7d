import { TerminalError } from '../../common/errors.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import { resources } from '../../common/kube/resources.ts'
import { reportAudience } from '../../common/report.ts'

/** Whom a token speaks for. */
export interface Speaker {
  node: string
  /** Of the Node object, where the API server tells it. */
  nodeUID?: string
}

interface TokenReview {
  status?: {
    authenticated?: boolean
    audiences?: string[]
    user?: { username?: string; extra?: Record<string, string[]> }
  }
}

const path = '/apis/authentication.k8s.io/v1/tokenreviews'
const extra = (name: string) => `authentication.kubernetes.io/${name}`

/**
 * Asks the API server whose token it is. Undefined if it is not that of an agent of ours. Throws what the client
 * throws when the API server does not answer.
 */
export async function reviewToken(
  { client }: { client: Pick<KubeClient, 'get' | 'post'> },
  token: string,
  { namespace, serviceAccount }: { namespace: string; serviceAccount: string },
  signal: AbortSignal,
): Promise<Speaker | undefined> {
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token, audiences: [reportAudience] },
  }
  const { status } = await client.post<TokenReview>(path, body, signal)
  // A server that does not know audiences leaves them out; then the token may be for anybody.
  if (!status?.authenticated || !status.audiences?.includes(reportAudience)) return undefined
  if (status.user?.username !== `system:serviceaccount:${namespace}:${serviceAccount}`) return undefined
  const told = (name: string) => status.user?.extra?.[extra(name)]?.[0]
  const node = told('node-name')
  const nodeUID = told('node-uid')
  if (node) return nodeUID ? { node, nodeUID } : { node }
  return nodeOfPod({ client }, namespace, told('pod-name'), told('pod-uid'), signal)
}

/** API servers before 1.30 tell only the pod; its spec tells the node. */
async function nodeOfPod(
  { client }: { client: Pick<KubeClient, 'get'> },
  namespace: string,
  name: string | undefined,
  uid: string | undefined,
  signal: AbortSignal,
): Promise<Speaker | undefined> {
  if (!name || !uid) return undefined
  try {
    const pod = await client.get(resources.pods, { namespace, name }, signal)
    const { nodeName } = pod.spec
    return pod.metadata.uid === uid && nodeName ? { node: nodeName } : undefined
  } catch (error) {
    if (error instanceof TerminalError) return undefined
    throw error
  }
}
