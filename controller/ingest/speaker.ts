import { TerminalError } from '../../common/errors.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import { resources } from '../../common/kube/resources.ts'
import { reportAudience } from '../../common/report.ts'
import { reviewToken } from '../token/review.ts'

/** Whom an agent's token speaks for. */
export interface Speaker {
  node: string
  /** Of the Node object, where the API server tells it. */
  nodeUID?: string
  /** That the token is bound to: it ends with it. */
  pod?: SpeakerPod
}

export interface SpeakerPod {
  name: string
  uid: string
}

const extra = (name: string) => `authentication.kubernetes.io/${name}`

/**
 * Asks the API server which node a token speaks for. Undefined if it is not that of an agent of ours. Throws what the
 * client throws when the API server does not answer.
 */
export async function speakerOf(
  { client }: { client: Pick<KubeClient, 'get' | 'post'> },
  token: string,
  { namespace, serviceAccount }: { namespace: string; serviceAccount: string },
  signal: AbortSignal,
): Promise<Speaker | undefined> {
  const user = await reviewToken({ client }, token, reportAudience, signal)
  if (user?.username !== `system:serviceaccount:${namespace}:${serviceAccount}`) return undefined
  const told = (name: string) => user.extra[extra(name)]?.[0]
  const [name, uid] = [told('pod-name'), told('pod-uid')]
  const pod = name && uid ? { name, uid } : undefined
  const nodeUID = told('node-uid')
  const node = told('node-name') ?? (pod && (await nodeOfPod({ client }, namespace, pod, signal)))
  return node ? { node, ...(nodeUID && { nodeUID }), ...(pod && { pod }) } : undefined
}

/** API servers before 1.30 tell only the pod; its spec tells the node. */
async function nodeOfPod(
  { client }: { client: Pick<KubeClient, 'get'> },
  namespace: string,
  { name, uid }: SpeakerPod,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const pod = await client.get(resources.pods, { namespace, name }, signal)
    return pod.metadata.uid === uid ? pod.spec.nodeName : undefined
  } catch (error) {
    if (error instanceof TerminalError) return undefined
    throw error
  }
}
