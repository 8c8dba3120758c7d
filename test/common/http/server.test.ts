import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { connect } from 'node:net'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { systemClock } from '../../../common/clock.ts'
import { type ServerOptions, startServer } from '../../../common/http/server.ts'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { call } from '../../fixtures/http.ts'
import { captureLog } from '../../fixtures/log.ts'

const ok = (_: IncomingMessage, response: ServerResponse) => response.end('ok')

async function start(t: Test, options: Partial<ServerOptions> = {}) {
  const { log, lines } = captureLog()
  const abort = new AbortController()
  const server = await startServer(
    { log, clock: systemClock },
    { name: 'test', address: '127.0.0.1:0', handler: ok, ...options },
    abort.signal,
  )
  t.teardown(() => {
    abort.abort()
    return server.stop({ lameDuckMs: 0, graceMs: 0 })
  })
  return { server, port: server.port, lines }
}

async function startTls(t: Test, more: Partial<NonNullable<ServerOptions['tls']>> = {}, handler = ok) {
  const files = await makeCertificates(['127.0.0.1'])
  t.teardown(() => files.remove())
  const tls = { certFile: files.certFile, keyFile: files.keyFile, pollMs: 2, ...more }
  return { files, ca: files.ca, ...(await start(t, { tls, handler })) }
}

t.test('the free port taken for port 0 is logged and given', async (t) => {
  const { lines, port } = await start(t)
  t.match(lines, [{ message: 'listening', server: 'test', host: '127.0.0.1', port }])
  t.match(await call({ port }), { status: 200, body: 'ok' })
})

t.test('a taken address rejects the start', async (t) => {
  const { port } = await start(t)
  await t.rejects(start(t, { address: `127.0.0.1:${port}` }), { code: 'EADDRINUSE' })
})

t.test('what a handler throws is logged and answered with 500', async (t) => {
  const { port, lines } = await start(t, { handler: () => Promise.reject(new Error('broken')) })
  t.match(await call({ port }), { status: 500, headers: { connection: 'close' } })
  t.match(lines.at(-1), { message: 'request failed', level: 'error', error: { message: 'broken' } })
})

t.test('connections beyond the cap are closed', async (t) => {
  const { port } = await start(t, { limits: { maxConnections: 1 } })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  await call({ port, agent })
  await t.rejects(call({ port }), { code: 'ECONNRESET' })
})

t.test('a client that is slow with its headers is cut off with 408', async (t) => {
  const reasons: string[] = []
  const onUnread = (reason: string) => reasons.push(reason)
  const { port } = await start(t, { limits: { headersMs: 30, requestMs: 30 }, onUnread })
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: test\r\nX-Slow:')
  let reply = ''
  for await (const chunk of socket) reply += chunk
  t.match(reply, /^HTTP\/1.1 408/)
  t.same(reasons, ['too-slow'])
})

t.test('headers beyond all measure are refused with 431, and a failed handshake is told', async (t) => {
  const reasons: string[] = []
  const files = await makeCertificates(['127.0.0.1'])
  t.teardown(() => files.remove())
  const tls = { certFile: files.certFile, keyFile: files.keyFile }
  const { port } = await start(t, { tls, onUnread: (reason) => reasons.push(reason) })
  const headers = { 'x-long': 'x'.repeat(20_000) }
  t.match(await call({ port, ca: files.ca, headers }), { status: 431 })
  await t.rejects(call({ port }))
  t.same(reasons, ['too-large', 'handshake'])
})

t.test('a connection that is old enough ends with its next answer', async (t) => {
  const clock = virtualClock()
  const handler = ok
  const { log } = captureLog()
  const limits = { connectionLifeMs: 600_000 }
  const options = { name: 'test', address: '127.0.0.1:0', handler, limits }
  const server = await startServer({ log, clock }, options, new AbortController().signal)
  t.teardown(() => {
    const stopped = server.stop({ lameDuckMs: 0, graceMs: 0 })
    return Promise.all([stopped, clock.advance(0)])
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const connection = async () => (await call({ port: server.port, agent })).headers.connection
  t.equal(await connection(), 'keep-alive')
  await clock.advance(599_999)
  t.equal(await connection(), 'keep-alive')
  await clock.advance(120_001)
  t.equal(await connection(), 'close')
  t.equal(await connection(), 'keep-alive', 'that is another one')
})

t.test('TLS 1.3 is the floor unless 1.2 is asked for', async (t) => {
  const strict = await startTls(t)
  const old = { maxVersion: 'TLSv1.2' } as const
  await t.rejects(call({ port: strict.port, ca: strict.ca, more: old }), /alert protocol version/)
  t.match(await call({ port: strict.port, ca: strict.ca }), { status: 200 })
  const lenient = await startTls(t, { minVersion: 'TLSv1.2' })
  t.match(await call({ port: lenient.port, ca: lenient.ca, more: old }), { status: 200 })
})

t.test('after a reload', async (t) => {
  const whoServes = (request: IncomingMessage, response: ServerResponse) =>
    response.end((request.socket as TLSSocket).getCertificate() ? 'served' : '')
  const { server, files, ca, port } = await startTls(t, {}, whoServes)
  const agent = new TlsAgent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  await call({ port, ca, agent })
  const [before] = Object.values(agent.freeSockets).flat()
  const next = await files.renew()
  while (server.certificate?.pair.certificate !== next.certificate) await systemClock.sleep(1)

  t.test('a connection from before goes on', async (t) => {
    t.match(await call({ port, ca, agent }), { status: 200 })
    t.equal(Object.values(agent.freeSockets).flat()[0], before)
  })
  t.test('a new connection is shown the new certificate', async (t) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const fresh = new TlsAgent({ keepAlive: true })
    t.teardown(() => fresh.destroy())
    fresh.on('free', (socket: TLSSocket) => resolve(socket.getPeerCertificate().fingerprint256))
    await call({ port, ca, agent: fresh })
    t.equal((await promise).replaceAll(':', '').toLowerCase(), server.certificate?.pair.fingerprint)
  })
  t.test('the TLS floor is still there', async (t) => {
    await t.rejects(call({ port, ca, more: { maxVersion: 'TLSv1.2' } }), /alert protocol version/)
  })
})

t.test('aborting the start while the certificate is missing rejects', async (t) => {
  const tls = { certFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' }
  const options = { name: 'test', address: '127.0.0.1:0', handler: ok, tls }
  const { log } = captureLog()
  await t.rejects(startServer({ log, clock: systemClock }, options, AbortSignal.abort(new Error('stop'))), {
    message: 'stop',
  })
})
