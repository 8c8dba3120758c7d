import { rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { stringify } from 'yaml'

/** The way from the API server to Services: a bare machine has no routes to cluster addresses. */
export interface Egress {
  /** For `--egress-selector-config-file`. */
  readonly configFile: string
  /** Lets a cluster address (`ip:port`) lead to one on loopback (`host:port`) as well; returns how to take it away. */
  route(clusterAddress: string, address: string): () => void
  stop(): Promise<void>
}

/**
 * An HTTP CONNECT proxy on a socket in `folder`, as the API server's egress selector (KEP-1281) wants it: it takes
 * the part of kube-proxy, so that webhooks are called by their Service, exactly as the manifests say.
 */
export async function startEgress(folder: string): Promise<Egress> {
  const socketPath = join(folder, 'egress.sock')
  const configFile = join(folder, 'egress.yaml')
  const routes = new Map<string, string[]>()
  const sockets = new Set<Socket>()
  let turn = 0
  const server = createServer()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    keep(client)
    const addresses = routes.get(request.url ?? '') ?? []
    const [host, port] = (addresses[turn++ % Math.max(1, addresses.length)] ?? '').split(':')
    if (!host || !port) {
      client.end('HTTP/1.1 503 no endpoints\r\n\r\n')
      return
    }
    const upstream = connect({ host, port: Number(port) })
    keep(upstream)
    upstream.once('connect', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    })
    // Either end that breaks takes the other with it; the API server sees a connection that failed.
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream.destroy())
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  await writeFile(
    configFile,
    stringify({
      apiVersion: 'apiserver.k8s.io/v1beta1',
      kind: 'EgressSelectorConfiguration',
      egressSelections: [
        {
          name: 'cluster',
          connection: { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName: socketPath } } },
        },
      ],
    }),
  )
  return {
    configFile,
    route(clusterAddress, address) {
      routes.set(clusterAddress, [...(routes.get(clusterAddress) ?? []), address])
      return () => {
        const left = (routes.get(clusterAddress) ?? []).filter((each) => each !== address)
        routes.set(clusterAddress, left)
      }
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
      await rm(socketPath, { force: true })
    },
  }
}
