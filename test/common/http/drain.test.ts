import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { systemClock } from '../../../common/clock.ts'
import { startServer } from '../../../common/http/server.ts'
import { call } from '../../fixtures/http.ts'
import { captureLog } from '../../fixtures/log.ts'

async function start(t: Test, handler: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const { log } = captureLog()
  const abort = new AbortController()
  const options = { name: 'test', address: '127.0.0.1:0', handler }
  const server = await startServer({ log, clock: systemClock }, options, abort.signal)
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => {
    abort.abort()
    agent.destroy()
    return server.stop({ lameDuckMs: 0, graceMs: 0 })
  })
  return { server, agent, port: server.port }
}

t.test('during the lame-duck time calls are served and their connections retired', async (t) => {
  const { server, agent, port } = await start(t, (_, response) => response.end('ok'))
  t.match(await call({ port, agent }), { status: 200, headers: { connection: 'keep-alive' } })
  const stopping = server.stop({ lameDuckMs: 100, graceMs: 5_000 })
  t.match(await call({ port, agent }), { status: 200, headers: { connection: 'close' } })
  t.match(await call({ port }), { status: 200, headers: { connection: 'close' } })
  await stopping
  await t.rejects(call({ port }), { code: 'ECONNREFUSED' })
})

t.test('a call in flight is waited for and its connection retired', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const { server, agent, port } = await start(t, async (_, response) => {
    arrived.resolve()
    await release.promise
    response.end('late')
  })
  const calling = call({ port, agent })
  await arrived.promise
  let stopped = false
  const stopping = server.stop({ lameDuckMs: 0, graceMs: 5_000 }).then(() => {
    stopped = true
  })
  await t.rejects(call({ port }), { code: 'ECONNREFUSED' })
  t.equal(stopped, false)
  release.resolve()
  t.match(await calling, { status: 200, body: 'late', headers: { connection: 'close' } })
  await stopping
})

t.test('what is still running after the grace time is cut off', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const { server, port } = await start(t, () => arrived.resolve())
  const cut = t.rejects(call({ port }), { code: 'ECONNRESET' })
  await arrived.promise
  await server.stop({ lameDuckMs: 1_000_000, graceMs: 20 })
  await cut
})

t.test('a second stop waits for the first', async (t) => {
  const { server } = await start(t, (_, response) => response.end('ok'))
  const first = server.stop({ lameDuckMs: 20, graceMs: 1_000 })
  const second = server.stop({ lameDuckMs: 1_000_000, graceMs: 1_000_000 })
  await Promise.all([first, second])
  t.pass('both ended')
})
