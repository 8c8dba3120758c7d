import { X509Certificate } from 'node:crypto'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { createServer } from 'node:tls'
import t, { type Test } from 'tap'
import { laggingReplicas, type ReplicaOptions, servedCertificate } from '../../certs/confirm.ts'
import { type IssuedPair, issueAuthority, issueLeaf } from '../../certs/issue.ts'
import { systemClock } from '../../common/clock.ts'
import type { KubeClient, ListQuery } from '../../common/kube/client.ts'
import type { Pod } from '../../common/kube/objects.ts'

const now = Date.now()
const hosts = ['vpsie-autoscaler-webhook.kube-system.svc']
const [before, present] = [
  issueAuthority({ commonName: 'one', now }),
  issueAuthority({ commonName: 'two', now }),
]
const authority = new X509Certificate(present.certificate)

async function listen(t: Test, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function replica(t: Test, issuer: IssuedPair, names: string[] = []): Promise<string> {
  const leaf = issueLeaf({ authority: issuer, commonName: 'webhook', hosts, now })
  const server = createServer({
    cert: leaf.certificate,
    key: leaf.key,
    SNICallback: (name, done) => {
      names.push(name)
      done(null)
    },
  })
  return listen(t, server)
}

const options: ReplicaOptions = {
  namespace: 'kube-system',
  serverName: { webhook: hosts[0] ?? '', ingest: 'ingest.test' },
  port: { webhook: 9443, ingest: 8443 },
  replicas: { webhook: [], ingest: [] },
}

// Only the one method that is used; anything else would be a mistake and fails the test.
function podsClient(pods: Pod['status'][], queries: ListQuery[] = []): KubeClient {
  const items = pods.map((status, i) => ({
    metadata: { name: `pod-${i}` },
    spec: { containers: [] },
    status,
  }))
  const list = async (_: unknown, query: ListQuery) => {
    queries.push(query)
    return { items, resourceVersion: '1' }
  }
  return { list } as unknown as KubeClient
}

function lagging(over: Partial<ReplicaOptions>, client = podsClient([])) {
  const signal = new AbortController().signal
  return laggingReplicas(
    { client, clock: systemClock },
    { ...options, ...over },
    'webhook',
    authority,
    signal,
  )
}

t.test(
  'replicas that serve the new authority are not lagging, and are asked by the Service name',
  async (t) => {
    const names: string[] = []
    const replicas = { webhook: [await replica(t, present, names), await replica(t, present)], ingest: [] }
    t.same(await lagging({ replicas }), [])
    t.same(names, hosts)
  },
)

t.test('one that serves the old authority is named', async (t) => {
  const [good, old] = [await replica(t, present), await replica(t, before)]
  t.same(await lagging({ replicas: { webhook: [good, old], ingest: [] } }), [old])
})

t.test('one that cannot be reached or speaks no TLS counts as lagging', async (t) => {
  const plain = await listen(
    t,
    createTcpServer((socket) => socket.end('no TLS here\n')),
  )
  const gone = createTcpServer()
  const closed = await listen(t, gone)
  await new Promise((resolve) => gone.close(resolve))
  t.same(await lagging({ replicas: { webhook: [plain, closed], ingest: [] } }), [plain, closed])
})

t.test('a silent one is given up with the deadline', async (t) => {
  const silent = await listen(t, createTcpServer())
  const served = await servedCertificate(silent, hosts[0] ?? '', AbortSignal.timeout(20))
  t.ok(served instanceof Error)
})

t.test('without addresses the pods are asked, those that have ended or not begun excepted', async (t) => {
  const queries: ListQuery[] = []
  const [address = ''] = [await replica(t, present)]
  const port = Number(address.split(':')[1])
  const client = podsClient(
    [
      { phase: 'Running', podIP: '127.0.0.1' },
      { phase: 'Failed', podIP: '127.0.0.2' },
      { phase: 'Pending' },
      { phase: 'Running', podIP: '127.0.0.3' },
    ],
    queries,
  )
  t.same(await lagging({ port: { webhook: port, ingest: 0 } }, client), [`127.0.0.3:${port}`])
  t.match(queries, [{ namespace: 'kube-system', labelSelector: /component=webhook/ }])
})
