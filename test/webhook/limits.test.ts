import { request } from 'node:http'
import t, { type Test } from 'tap'
import { startServer } from '../../common/http/server.ts'
import { createMetrics, Registry } from '../../common/metrics.ts'
import { webhookMetrics } from '../../webhook/metrics.ts'
import { createApp } from '../../webhook/server.ts'
import { controllerAccount } from '../fixtures/admission-cases.ts'
import { virtualClock } from '../fixtures/clock.ts'
import { metricOf } from '../fixtures/controller.ts'
import { call } from '../fixtures/http.ts'
import { captureLog } from '../fixtures/log.ts'
import { nodeGroup } from '../fixtures/objects.ts'
import { until } from '../fixtures/wait.ts'

const path = '/validate/nodegroups'
const json = { 'content-type': 'application/json' }

async function start(t: Test, { maxConcurrent = 8, nodeGroups = () => [] as never[] } = {}) {
  const { log, lines } = captureLog()
  const clock = virtualClock()
  const metrics = createMetrics(new Registry(), webhookMetrics)
  const handler = createApp({
    log,
    clock,
    metrics,
    maxConcurrent,
    namespaces: ['kube-system'],
    controller: controllerAccount,
    surroundings: { nodeGroups, vpsieNodes: () => [], autoscalerConfig: () => null, configMap: () => null },
  })
  const options = { name: 'webhook', address: '127.0.0.1:0', handler }
  const server = await startServer({ log, clock }, options, new AbortController().signal)
  t.teardown(() => server.stop({ lameDuckMs: 0, graceMs: 0 }))
  const inFlight = (count: number) =>
    until(
      `${count} are in flight`,
      async () => (await metricOf(metrics.webhook_requests_in_flight)) === count,
      {},
      new AbortController().signal,
    )
  return { port: server.port, clock, metrics, lines, inFlight }
}

/** A call whose body never ends; gives the status of its answer, and how to give it up. */
function open(port: number, query = '', headers: Record<string, string> = { 'content-length': '1000' }) {
  const { promise, resolve } = Promise.withResolvers<{ status: number; error: string }>()
  const outgoing = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: path + query,
    headers: { ...json, ...headers },
  })
  outgoing.on('response', (response) => {
    let text = ''
    response.on('data', (chunk) => {
      text += chunk
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, error: JSON.parse(text).error }))
  })
  outgoing.on('error', () => undefined) // the other side closes it
  outgoing.write('{')
  return { answer: promise, end: () => outgoing.destroy() }
}

function review(object: object) {
  const userInfo = { username: 'jane', groups: [] }
  const request = { uid: 'u-1', operation: 'CREATE', namespace: 'kube-system', userInfo, object }
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request })
}

t.test('a body that does not come is answered with 503 before the caller gives up', async (t) => {
  const { port, clock, inFlight } = await start(t)
  const { answer } = open(port, '?timeout=2s')
  await inFlight(1)
  await clock.advance(1_950)
  t.match(await answer, { status: 503, error: /took too long/ })
  await inFlight(0)
})

t.test('of a patient caller it is waited for five seconds, and then answered with 408', async (t) => {
  const { port, clock, inFlight } = await start(t)
  const { answer } = open(port, '?timeout=30s')
  await inFlight(1)
  await clock.advance(5_050)
  t.match(await answer, { status: 408, error: /must arrive within 5000 ms/ })
})

t.test('a caller that gives up leaves nothing behind', async (t) => {
  const { port, inFlight, lines } = await start(t)
  const { end } = open(port)
  await inFlight(1)
  end()
  await inFlight(0)
  t.match(lines.at(-1), { message: 'review not answered', error: 'body was cut off' })
})

t.test('more reviews than may be at work are answered with 503, and fewer later are not', async (t) => {
  const { port, inFlight } = await start(t, { maxConcurrent: 2 })
  const opened = [open(port), open(port)]
  await inFlight(2)
  t.match(await call({ port, path, headers: json, body: review(nodeGroup()) }), {
    status: 503,
    body: /too many reviews/,
  })
  for (const { end } of opened) end()
  await inFlight(0)
  t.equal((await call({ port, path, headers: json, body: review(nodeGroup()) })).status, 200)
})

t.test(
  'bodies of unknown length count as the longest, so that all together stay within 64 MiB',
  async (t) => {
    const { port, inFlight } = await start(t, { maxConcurrent: 100 })
    const opened = Array.from({ length: 9 }, () => open(port, '', { 'transfer-encoding': 'chunked' }))
    await inFlight(9)
    t.match(await open(port, '', { 'transfer-encoding': 'chunked' }).answer, { status: 503 })
    t.equal(
      (await call({ port, path, headers: json, body: review(nodeGroup()) })).status,
      200,
      'a short one has room',
    )
    for (const { end } of opened) end()
  },
)

t.test('two objects of 1.5 MB with their managedFields are reviewed', async (t) => {
  const { port } = await start(t)
  const managedFields = Array.from({ length: 1500 }, (_, i) => ({
    manager: `m-${i}`,
    fieldsV1: { 'f:x': 'y'.repeat(1000) },
  }))
  const group = nodeGroup('workers', { metadata: { managedFields } as object })
  const body = JSON.parse(review(group))
  body.request.operation = 'UPDATE'
  body.request.oldObject = group
  const reply = await call({ port, path, headers: json, body: JSON.stringify(body) })
  t.match(JSON.parse(reply.body), { response: { uid: 'u-1', allowed: true } })
})

t.test('a bug in a rule names the rule in answer, log and metric, and no other path has it', async (t) => {
  const nodeGroups = () => {
    throw new Error('a bug')
  }
  const { port, metrics, lines } = await start(t, { nodeGroups })
  const reply = await call({ port, path, headers: json, body: review(nodeGroup()) })
  t.match(reply, { status: 500, body: /rule name-unique failed, which is a bug of the webhook/ })
  t.match(lines.at(-1), { message: 'a review met a bug', rule: 'name-unique' })
  t.match(
    (await metrics.webhook_panics_total.get()).values.find(({ labels }) => labels.rule === 'name-unique'),
    { value: 1 },
  )
  const other = await call({ port, path: '/mutate/nodegroups', headers: json, body: review(nodeGroup()) })
  t.equal(other.status, 200)
})
