import { X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import t from 'tap'
import { permits } from '../../certs/constraints.ts'
import { issueAuthority, issueLeaf } from '../../certs/issue.ts'

const now = Date.now()
const permitted = ['webhook.kube-system.svc', 'webhook', '127.0.0.1', 'fd00::5']
const authority = issueAuthority({ commonName: 'constrained', now, permitted })
const certificate = new X509Certificate(authority.certificate)

const cases: [string, boolean][] = [
  ['webhook.kube-system.svc', true],
  ['replica-1.webhook.kube-system.svc', true],
  ['webhook', true],
  ['127.0.0.1', true],
  ['fd00:0:0:0:0:0:0:5', true],
  ['kube-system.svc', false],
  ['otherwebhook', false],
  ['example.com', false],
  ['127.0.0.2', false],
  ['fd00::6', false],
]
for (const [host, expected] of cases) {
  t.test(`an authority for its own hosts ${expected ? 'permits' : 'does not permit'} ${host}`, async (t) => {
    t.equal(permits(certificate, [host]), expected)
  })
}

t.test('an authority without constraints permits any host', async (t) => {
  const free = new X509Certificate(issueAuthority({ commonName: 'free', now }).certificate)
  t.equal(permits(free, ['example.com', '10.0.0.1']), true)
})

/** What a client that trusts only the authority thinks of a server with a certificate of it for these hosts. */
async function verdict(host: string, hosts: readonly string[]): Promise<string> {
  const leaf = issueLeaf({ authority, commonName: 'x', hosts, now })
  const server = createServer({ cert: leaf.certificate, key: leaf.key })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const servername = host === '127.0.0.1' ? '' : host
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect({
    port,
    host: '127.0.0.1',
    ca: authority.certificate,
    ...(servername && { servername }),
  })
  socket.once('secureConnect', () => resolve('trusted'))
  socket.once('error', (error) => resolve(error.message))
  const said = await promise
  socket.destroy()
  server.close()
  return said
}

t.test('a client trusts what it signed for its own hosts, by name and by address', async (t) => {
  const hosts = ['webhook.kube-system.svc', 'webhook', '127.0.0.1']
  t.equal(await verdict('webhook.kube-system.svc', hosts), 'trusted')
  t.equal(await verdict('webhook', hosts), 'trusted')
  t.equal(await verdict('127.0.0.1', hosts), 'trusted')
})

t.test('a client refuses what it signed for any other host', async (t) => {
  t.match(await verdict('example.com', ['example.com']), /permitted subtree violation/)
})
