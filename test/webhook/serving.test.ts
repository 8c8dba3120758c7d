import t from 'tap'
import { systemClock as clock } from '../../common/clock.ts'
import { startServer } from '../../common/http/server.ts'
import { servingProblem } from '../../webhook/serving.ts'
import { makeCertificates } from '../fixtures/certificates.ts'
import { virtualClock } from '../fixtures/clock.ts'
import { captureLog } from '../fixtures/log.ts'

const { log } = captureLog()
const life = new AbortController()
const certificates = await makeCertificates()
const tls = { certFile: certificates.certFile, keyFile: certificates.keyFile }
const options = { name: 'webhook', address: '127.0.0.1:0', handler: () => undefined, tls }
const server = await startServer({ log, clock }, options, life.signal)
t.teardown(async () => {
  life.abort()
  await server.stop({ lameDuckMs: 0, graceMs: 100 })
  await certificates.remove()
})

t.test('ready: a handshake with ourselves gives the certificate of the files', async (t) => {
  t.equal(await servingProblem({ clock }, server), undefined)
})

t.test('not ready before there is a listener', async (t) => {
  t.match(await servingProblem({ clock }, undefined), /no certificate yet/)
})

t.test('not ready once the certificate has expired', async (t) => {
  const later = virtualClock(Date.now() + 10 * 365 * 86_400_000)
  t.match(await servingProblem({ clock: later }, server), /certificate expired at/)
})

t.test('not ready while another certificate is served than the files hold', async (t) => {
  const { certificate, ...rest } = server
  if (!certificate) throw new Error('the server has one')
  const pair = { ...certificate.pair, fingerprint: 'ab' }
  const torn = { ...rest, certificate: { ...certificate, pair } }
  t.match(await servingProblem({ clock }, torn), /port serves certificate \w{64}, the file holds ab/)
})

t.test('not ready when our own port does not answer', async (t) => {
  t.match(await servingProblem({ clock }, { ...server, port: 1 }), /own port does not answer: .*ECONNREFUSED/)
})
