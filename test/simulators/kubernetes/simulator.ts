import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { issueAuthority, issueLeaf } from '../../../certs/issue.ts'
import { type Clock, systemClock } from '../../../common/clock.ts'
import { kubeconfig, kubeconfigFiles } from '../../fixtures/kubeconfig.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { createAdmitter } from './admission.ts'
import { createDefinitions } from './definitions.ts'
import { KubernetesFaults } from './faults.ts'
import { createPages } from './pages.ts'
import { createFace } from './server.ts'
import { createStore, type Store } from './store.ts'
import { createUsers, type Users } from './users.ts'
import { createWatches, type Watches } from './watch.ts'
import { createWrites } from './writes.ts'

export interface KubernetesSimulator {
  readonly url: string
  /** PEM of its authority. */
  readonly ca: string
  readonly store: Store
  readonly users: Users
  readonly faults: KubernetesFaults
  readonly watches: Watches
  /** Path of a kubeconfig of the user `admin`, who may do everything. */
  readonly adminKubeconfig: string
  /** Path of a kubeconfig of any user, such as `system:serviceaccount:kube-system:x` or `system:node:y`. */
  kubeconfigOf(username: string): Promise<string>
  /** How many connections have been opened so far. */
  connections(): number
  /** Lets a Service's port lead to an address (`host:port`) as well; returns how to take it away. */
  route(service: { namespace: string; name: string; port: number }, address: string): () => void
  /** Is away for so long, with all connections broken, and comes back on the same port. */
  restart(awayMs: number): Promise<void>
  stop(): Promise<void>
}

/** Starts a Kubernetes API server on a free port of the loopback interface. */
export async function startKubernetes({
  clock = systemClock,
}: {
  clock?: Clock
} = {}): Promise<KubernetesSimulator> {
  const store = createStore({ clock })
  const users = createUsers(store)
  const faults = new KubernetesFaults()
  const watches = createWatches()
  const definitions = createDefinitions(store)
  const routes = new Map<string, string[]>()
  const admitter = createAdmitter(store, (service) => routes.get(routeKey(service)) ?? [])
  const writes = createWrites(store, admitter, definitions.schemaOf)
  const pages = createPages()
  store.onCompact(pages.expire)
  const face = createFace({ store, users, writes, watches, faults, pages })
  store.onChange(({ type, plural, object }) => {
    if (plural !== 'namespaces' || type !== 'ADDED') return
    store.create('serviceaccounts', { metadata: { name: 'default', namespace: object.metadata.name } })
  })
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    store.create('namespaces', { metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } })
  }

  const folder = await temporaryFolder('kubernetes-')
  const certificates = issueCertificates()
  const sockets = new Set<Socket>()
  const server = createServer(
    { cert: certificates.certificate, key: certificates.key, keepAliveTimeout: 120_000 },
    face,
  )
  let opened = 0
  server.on('connection', (socket: Socket) => {
    opened++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  const url = `https://127.0.0.1:${port}`

  const write = kubeconfigFiles(folder.path)
  const kubeconfigOf = (username: string) =>
    write(kubeconfig(url, certificates.ca, { token: users.tokenOf(username) }))

  return {
    url,
    ca: certificates.ca,
    store,
    users,
    faults,
    watches,
    adminKubeconfig: await kubeconfigOf('admin'),
    kubeconfigOf,
    connections: () => opened,
    route(service, address) {
      const key = routeKey(service)
      routes.set(key, [...(routes.get(key) ?? []), address])
      return () =>
        routes.set(
          key,
          (routes.get(key) ?? []).filter((each) => each !== address),
        )
    },
    async restart(awayMs) {
      await close()
      await new Promise((resolve) => setTimeout(resolve, awayMs))
      await listen(port)
    },
    async stop() {
      admitter.stop()
      await close()
      await folder.remove()
    },
  }
}

const routeKey = ({ namespace, name, port }: { namespace: string; name: string; port: number }) =>
  `${namespace}/${name}:${port}`

function issueCertificates() {
  const now = Date.now()
  const authority = issueAuthority({ commonName: 'simulated Kubernetes', now })
  const leaf = issueLeaf({ authority, commonName: 'kubernetes', hosts: ['127.0.0.1', 'localhost'], now })
  return { ca: authority.certificate, certificate: leaf.certificate, key: leaf.key }
}
