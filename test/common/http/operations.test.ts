import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { systemClock } from '../../../common/clock.ts'
import { type OperationsOptions, startOperations } from '../../../common/http/operations.ts'
import { createMetrics } from '../../../common/metrics.ts'
import { call } from '../../fixtures/http.ts'
import { captureLog } from '../../fixtures/log.ts'

async function start(t: Test, options: Partial<OperationsOptions> = {}) {
  const registry = new Registry()
  createMetrics(registry, { loops_total: { type: 'counter', help: 'Loops.' } })
  const servers = await startOperations(
    { log: captureLog().log, clock: systemClock, registry },
    { addresses: ['127.0.0.1:0'], ready: () => undefined, live: () => undefined, ...options },
    new AbortController().signal,
  )
  t.teardown(() => Promise.all(servers.map((server) => server.stop({ lameDuckMs: 0, graceMs: 0 }))))
  return { servers, port: servers[0]?.port ?? 0 }
}

t.test('a program that is well answers its probes with ok', async (t) => {
  const { port } = await start(t)
  t.match(await call({ port, path: '/healthz' }), { status: 200, body: 'ok\n' })
  t.match(await call({ port, path: '/readyz?verbose' }), { status: 200, body: 'ok\n' })
})

t.test('readiness and liveness are told apart, each with its reason', async (t) => {
  const { port } = await start(t, { ready: () => 'no certificate yet' })
  t.match(await call({ port, path: '/readyz' }), { status: 503, body: 'no certificate yet\n' })
  t.match(await call({ port, path: '/healthz' }), { status: 200 })
})

t.test('a dead loop fails liveness', async (t) => {
  const { port } = await start(t, { live: () => 'the loop stands still' })
  t.match(await call({ port, path: '/healthz' }), { status: 503, body: 'the loop stands still\n' })
})

t.test('metrics are served in the exposition format', async (t) => {
  const { port } = await start(t)
  const reply = await call({ port, path: '/metrics' })
  t.match(reply, { status: 200, headers: { 'content-type': /^text\/plain; version=0.0.4/ } })
  t.match(reply.body, /^vpsie_autoscaler_loops_total 0$/m)
})

t.test('other paths and methods are refused', async (t) => {
  const { port } = await start(t)
  t.match(await call({ port, path: '/constructor' }), { status: 404 })
  t.match(await call({ port, path: '/metrics', body: '' }), { status: 405 })
  t.match(await call({ port, path: '/healthz', method: 'HEAD' }), { status: 200, body: '' })
})

t.test('equal addresses share a listener, and "0" is none', async (t) => {
  const { servers } = await start(t, { addresses: ['127.0.0.1:0', '127.0.0.1:0', '0', ''] })
  t.equal(servers.length, 1)
})
