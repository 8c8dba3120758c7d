import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { addAbortSignal } from 'node:stream'
import { connect } from 'node:tls'
import { type Clock, withDeadline } from '../common/clock.ts'
import { TransientError } from '../common/errors.ts'
import { parseAddress } from '../common/http/address.ts'
import type { KubeClient } from '../common/kube/client.ts'
import type { Pod } from '../common/kube/objects.ts'
import { resources } from '../common/kube/resources.ts'
import { isSignedBy } from './bundle.ts'
import { type LeafName, podSelectors } from './names.ts'

export interface ReplicaOptions {
  namespace: string
  /** The name each listener is called by, for SNI. */
  serverName: Readonly<Record<LeafName, string>>
  port: Readonly<Record<LeafName, number>>
  /** Addresses (`host:port`) to ask instead of the pods; empty means the pods. */
  replicas: Readonly<Record<LeafName, readonly string[]>>
}

interface Deps {
  client: KubeClient
  clock: Clock
}

const handshakeMs = 5_000
const atOnce = 16

/**
 * Asks every replica of a listener, over TLS and by its own address, which certificate it serves. Gives the addresses
 * of those that serve none of `authority`, unreachable ones included: until they answer they may come back with an
 * old one. A pod that has not started yet is left out, as it will read the present Secret.
 */
export async function laggingReplicas(
  { client, clock }: Deps,
  options: ReplicaOptions,
  leaf: LeafName,
  authority: X509Certificate,
  signal: AbortSignal,
): Promise<string[]> {
  const { namespace, replicas, port, serverName } = options
  const query = { namespace, labelSelector: podSelectors[leaf] }
  const addresses =
    replicas[leaf].length > 0
      ? replicas[leaf]
      : (await client.list(resources.pods, query, signal)).items.flatMap((pod) => addressOf(pod, port[leaf]))
  const lagging: string[] = []
  for (let i = 0; i < addresses.length; i += atOnce) {
    const some = addresses.slice(i, i + atOnce)
    const served = await Promise.all(
      some.map((address) =>
        servedCertificate(address, serverName[leaf], withDeadline(clock, handshakeMs, signal)),
      ),
    )
    signal.throwIfAborted()
    lagging.push(...some.filter((_, n) => !isOf(served[n], authority)))
  }
  return lagging
}

function addressOf({ status }: Pod, port: number): string[] {
  const ip = status?.podIP
  // A terminating pod still serves and is asked like any other.
  if (!ip || status.phase === 'Succeeded' || status.phase === 'Failed') return []
  return [`${isIP(ip) === 6 ? `[${ip}]` : ip}:${port}`]
}

function isOf(served: X509Certificate | Error | undefined, authority: X509Certificate): boolean {
  return served instanceof X509Certificate && isSignedBy(served, authority)
}

/** The certificate shown by the listener at `address`; the error instead if there was no handshake. */
export function servedCertificate(
  address: string,
  servername: string,
  signal: AbortSignal,
): Promise<X509Certificate | Error> {
  const { promise, resolve } = Promise.withResolvers<X509Certificate | Error>()
  const { host = 'localhost', port } = parseAddress(address)
  // Not verified by the handshake: an old or foreign certificate is what we want to see. Nothing is sent.
  const socket = connect({ host, port, servername, rejectUnauthorized: false })
  addAbortSignal(signal, socket)
  socket.on('error', resolve)
  socket.once('close', () => resolve(new TransientError('connection was closed', { code: 'Unreachable' })))
  socket.once('secureConnect', () => {
    resolve(socket.getPeerX509Certificate() ?? new TransientError('no certificate', { code: 'BadReply' }))
  })
  return promise.finally(() => socket.destroy())
}
