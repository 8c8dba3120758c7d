import { errorText, hasCode, InputError, TerminalError } from '../../common/errors.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import { resources } from '../../common/kube/resources.ts'
import { pageAudience, tokenHeader } from '../page/access.ts'
import { podOf } from '../page/leader.ts'

export interface AskOptions {
  /** Of the controller. */
  namespace: string
  lease: string
  serviceAccount: string
  port: number
}

type Client = Pick<KubeClient, 'get' | 'post' | 'read'>

const tokenSeconds = 600

/**
 * Asks the controller that leads, through the API server: who leads is in the lease, a token of the viewer's account is
 * made for ten minutes, and the pod is reached by the API server's proxy. Throws errors that say which right is missing.
 */
export async function askLeader<T>(
  client: Client,
  path: string,
  options: AskOptions,
  signal: AbortSignal,
): Promise<T> {
  const { namespace, port } = options
  const pod = await leadingPod(client, options, signal)
  const token = await viewerToken(client, options, signal)
  const proxy = `/api/v1/namespaces/${namespace}/pods/https:${pod}:${port}/proxy`
  return told(`get pods/proxy in namespace ${namespace}`, () =>
    client.read<T>(`${proxy}${path}`, { [tokenHeader]: token }, signal),
  )
}

async function leadingPod(
  client: Client,
  { namespace, lease: name }: AskOptions,
  signal: AbortSignal,
): Promise<string> {
  const lease = await told(`get leases in namespace ${namespace}`, () =>
    client.get(resources.leases, { namespace, name }, signal).catch((error: unknown) => {
      if (!hasCode(error, 'NotFound')) throw error
      throw new InputError('--controller-namespace', `no controller has ever led in namespace ${namespace}`)
    }),
  )
  const pod = podOf(lease.spec?.holderIdentity)
  if (pod === undefined) {
    const message = `nobody leads: see kubectl -n ${namespace} get pods -l app.kubernetes.io/component=controller`
    throw new TerminalError(message, { code: 'NotFound' })
  }
  return pod
}

async function viewerToken(
  client: Client,
  { namespace, serviceAccount }: AskOptions,
  signal: AbortSignal,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [pageAudience], expirationSeconds: tokenSeconds },
  }
  const { status } = await told(
    `create serviceaccounts/token of ${serviceAccount} in namespace ${namespace}`,
    () => client.post<{ status: { token: string } }>(path, body, signal),
  )
  return status.token
}

/** Says which right the call needs where it is one that is missing. */
async function told<T>(right: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!hasCode(error, 'Forbidden')) throw error
    throw new TerminalError(
      `${errorText(error)}\nThis needs the right to ${right}; the Role vpsie-autoscaler-viewer has it`,
      { code: 'Forbidden', cause: error },
    )
  }
}
