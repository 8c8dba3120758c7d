import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { issueAuthority, issueLeaf } from '../../certs/issue.ts'
import { call } from '../fixtures/http.ts'

const hour = 3_600_000
const day = 24 * hour
const now = Date.UTC(2026, 0, 15, 12)
const authority = issueAuthority({ commonName: 'test authority', now, days: 100 })
const hosts = ['webhook.kube-system.svc', 'localhost', '127.0.0.1', '::1']

t.test('an authority signs itself, may sign others and tolerates a clock an hour behind', async (t) => {
  const certificate = new X509Certificate(authority.certificate)
  t.equal(certificate.ca, true)
  t.ok(certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey))
  t.equal(certificate.validFromDate.getTime(), now - hour)
  t.equal(certificate.validToDate.getTime(), now + 100 * day)
  t.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
})

t.test('a leaf is signed by its authority, for its hosts, and no authority itself', async (t) => {
  const leaf = issueLeaf({ authority, commonName: 'webhook', hosts, now, days: 30 })
  const certificate = new X509Certificate(leaf.certificate)
  const issuer = new X509Certificate(authority.certificate)
  t.ok(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))
  t.equal(certificate.ca, false)
  for (const host of hosts) t.ok(certificate.checkHost(host) ?? certificate.checkIP(host), host)
  t.equal(certificate.checkHost('other.kube-system.svc'), undefined)
  t.equal(certificate.validToDate.getTime(), now + 30 * day)
  t.same(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
})

t.test('no leaf outlives its authority', async (t) => {
  const { certificate } = issueLeaf({ authority, commonName: 'webhook', hosts, now, days: 365 })
  t.equal(new X509Certificate(certificate).validToDate.getTime(), now + 100 * day - hour)
})

t.test('serial numbers are positive and differ', async (t) => {
  const serials = Array.from({ length: 50 }, () => {
    const { certificate } = issueLeaf({ authority, commonName: 'webhook', hosts, now })
    return new X509Certificate(certificate).serialNumber
  })
  t.equal(new Set(serials).size, 50)
  for (const serial of serials) t.match(serial, /^[1-7][0-9A-F]{31}$|^0[1-9A-F][0-9A-F]{30}$/)
})

t.test('a client certificate carries user and groups as Kubernetes reads them', async (t) => {
  const { certificate } = issueLeaf({
    authority,
    commonName: 'system:node:wörker_1',
    hosts: [],
    now,
    usages: ['clientAuth'],
    organizations: ['system:nodes', 'system:masters'],
  })
  const leaf = new X509Certificate(certificate)
  t.equal(leaf.subject, 'O=system:nodes\nO=system:masters\nCN=system:node:wörker_1')
  t.same(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2'])
  t.equal(leaf.subjectAltName, undefined)
})

t.test('a TLS client takes the pair under its authority and under no other of the same name', async (t) => {
  const present = Date.now()
  const own = issueAuthority({ commonName: 'same name', now: present })
  const other = issueAuthority({ commonName: 'same name', now: present })
  const leaf = issueLeaf({ authority: own, commonName: 'server', hosts: ['127.0.0.1'], now: present })
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, (_, response) => response.end('ok'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  t.match(await call({ port, ca: own.certificate }), { status: 200 })
  t.match(await call({ port, ca: other.certificate + own.certificate }), { status: 200 })
  await t.rejects(call({ port, ca: other.certificate }))
})
