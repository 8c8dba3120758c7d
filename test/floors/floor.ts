import type { KubeClient } from '../../common/kube/client.ts'
import type { KubeObject } from '../../common/kube/objects.ts'
import type { Resource } from '../../common/kube/resources.ts'

/** A Kubernetes that a story or a test can play on: simulated in this process, or a real control plane. */
export interface Floor {
  readonly kind: 'simulated' | 'real' | 'external'
  readonly url: string
  /** PEM of the API server's authority. */
  readonly ca: string
  /** Bearer token and path of a kubeconfig of the user `admin`, who may do everything. */
  readonly adminToken: string
  readonly adminKubeconfig: string
  /** Path of a kubeconfig of a user: `system:node:<name>`, or `system:serviceaccount:<namespace>:<name>`. */
  kubeconfigOf(username: string): Promise<string>
  /** Lets a Service's port lead to an address (`host:port`) as well; resolves with how to take it away. */
  route(service: ServicePort, address: string): Promise<() => void>
  /** The API server is away for so long, with all connections broken, and comes back at the same address. */
  restart(awayMs: number): Promise<void>
  /** `kubectl apply -k`, where there is a kubectl: gives a line for each object. */
  applyFolder?(folder: string): Promise<string[]>
  /** Which pods nobody on this floor runs, so that kubelets of the test's own must. */
  leavesToKubelets: 'all pods' | 'pods of our image'
  /** What its own programs said last, for a test that failed. */
  lastLines(): string
  stop(): Promise<void>
}

export interface ServicePort {
  namespace: string
  name: string
  port: number
}

export const serviceAccounts: Resource<KubeObject> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
}

export interface AccountTokenRequest {
  namespace: string
  serviceAccount: string
  /** Left out: good for the API server itself. */
  audience?: string
  /** Name of the pod that the token is bound to, as one that is mounted is; then it names the pod's node. */
  pod?: string
  /** Default two hours. */
  expirationSeconds?: number
}

/** Asks the API server for a token of a service account (TokenRequest), as a kubelet does for its pods. */
export async function accountToken(
  client: KubeClient,
  { namespace, serviceAccount, audience, pod, expirationSeconds = 7200 }: AccountTokenRequest,
  signal: AbortSignal,
): Promise<string> {
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      expirationSeconds,
      ...(audience ? { audiences: [audience] } : {}),
      ...(pod ? { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod } } : {}),
    },
  }
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`
  const { status } = await client.post<{ status: { token: string } }>(path, body, signal)
  return status.token
}

/** The parts of `system:serviceaccount:<namespace>:<name>`; undefined for any other user. */
export function accountOf(username: string): { namespace: string; serviceAccount: string } | undefined {
  const [, namespace, serviceAccount] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? []
  return namespace && serviceAccount ? { namespace, serviceAccount } : undefined
}
