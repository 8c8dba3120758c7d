import t from 'tap'
import { systemClock as clock } from '../../common/clock.ts'
import { startServer } from '../../common/http/server.ts'
import { createMetrics, Registry } from '../../common/metrics.ts'
import { webhookMetrics } from '../../webhook/metrics.ts'
import { createApp } from '../../webhook/server.ts'
import { metricOf } from '../fixtures/controller.ts'
import { call } from '../fixtures/http.ts'
import { captureLog } from '../fixtures/log.ts'
import { nodeGroup } from '../fixtures/objects.ts'
import { jsonPatch, type Operation } from '../simulators/kubernetes/json-patch.ts'

const { log } = captureLog()
const metrics = createMetrics(new Registry(), webhookMetrics)
const { signal } = new AbortController()
let isBroken = false
const app = createApp({
  log,
  clock,
  metrics,
  controller: 'system:serviceaccount:kube-system:vpsie-autoscaler-controller',
  namespaces: ['kube-system'],
  maxConcurrent: 8,
  surroundings: {
    nodeGroups() {
      if (isBroken) throw new Error('a bug')
      return []
    },
    vpsieNodes: () => [],
    autoscalerConfig: () => null,
    configMap: () => null,
  },
})
const server = await startServer(
  { log, clock },
  { name: 'webhook', address: '127.0.0.1:0', handler: app },
  signal,
)
t.teardown(() => server.stop({ lameDuckMs: 0, graceMs: 100 }))

const json = { 'content-type': 'application/json; charset=utf-8' }
const post = (body: unknown, path = '/validate/nodegroups', headers: Record<string, string> = json) =>
  call({ port: server.port, path, headers, body: typeof body === 'string' ? body : JSON.stringify(body) })

function review(object: object, over: object = {}) {
  const userInfo = { username: 'jane', groups: ['system:authenticated'] }
  const request = {
    uid: 'u-1',
    operation: 'CREATE',
    namespace: 'kube-system',
    userInfo,
    object,
    oldObject: null,
  }
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { ...request, ...over } }
}

const answer = async (body: unknown, path?: string) => JSON.parse((await post(body, path)).body)
const bad = nodeGroup('workers', {
  spec: { minNodes: 5, maxNodes: 2, project: '', labels: { 'k8s.io/x': 'y' } },
})

t.test('a good NodeGroup is allowed, and nothing but the uid comes back', async (t) => {
  t.same(await answer(review(nodeGroup())), {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u-1', allowed: true },
  })
})

t.test('a bad one is refused with all its mistakes, sorted by field', async (t) => {
  const { response } = await answer(review(bad))
  t.match(response, { uid: 'u-1', allowed: false, status: { code: 422, reason: 'Invalid' } })
  t.same(
    response.status.details.causes.map(({ field }: { field: string }) => field),
    ['spec.labels[k8s.io/x]', 'spec.minNodes', 'spec.project'],
  )
})

t.test('an update without its old object is held to everything', async (t) => {
  t.match(await answer(review(bad, { operation: 'UPDATE' })), { response: { allowed: false } })
})

const passing: [title: string, over: object][] = [
  ['an old mistake that an update does not touch', { operation: 'UPDATE', oldObject: bad }],
  [
    'the controller itself',
    { userInfo: { username: 'system:serviceaccount:kube-system:vpsie-autoscaler-controller' } },
  ],
  [
    'an object on its way out',
    { object: { ...bad, metadata: { ...bad.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } } },
  ],
  ['a deletion', { operation: 'DELETE', object: null, oldObject: bad }],
]

for (const [title, over] of passing) {
  t.test(`${title} is let through`, async (t) => {
    t.equal((await answer(review(bad, over))).response.allowed, true)
  })
}

const malformed: [title: string, status: number, body: unknown, message: RegExp][] = [
  ['no JSON', 400, '{', /must be JSON/],
  ['no review', 400, { kind: 'Pod' }, /kind: must be an AdmissionReview/],
  [
    'a review without a request',
    400,
    { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
    /request: must be an object/,
  ],
  ['a review without a uid', 400, review(nodeGroup(), { uid: '' }), /request.uid: must be/],
  [
    'an unknown operation',
    400,
    review(nodeGroup(), { operation: 'EAT' }),
    /request.operation: must be one of/,
  ],
]

for (const [title, status, body, message] of malformed) {
  t.test(`${title} is answered with ${status}, counted, and the server goes on`, async (t) => {
    const before = await metricOf(metrics.webhook_requests_total)
    const reply = await post(body)
    t.equal(reply.status, status)
    t.match(JSON.parse(reply.body).error, message)
    t.equal(await metricOf(metrics.webhook_requests_total), before + 1)
    t.equal((await answer(review(nodeGroup()))).response.allowed, true)
  })
}

t.test('wrong path, method, media type and size have their own status', async (t) => {
  t.equal((await post('{}', '/other')).status, 404)
  t.equal((await call({ port: server.port, path: '/validate/nodegroups' })).status, 405)
  t.equal((await post('{}', undefined, { 'content-type': 'text/plain' })).status, 415)
  const length = { ...json, 'content-length': String(8 * 2 ** 20) }
  t.equal(
    (await call({ port: server.port, path: '/validate/nodegroups', method: 'POST', headers: length })).status,
    413,
  )
})

t.test(
  'a bug of ours is a 500 that denies nothing, is counted, and leaves other reviews alone',
  async (t) => {
    isBroken = true
    t.equal((await post(review(nodeGroup()))).status, 500)
    isBroken = false
    t.equal(await metricOf(metrics.webhook_panics_total), 1)
    t.equal((await answer(review(nodeGroup()))).response.allowed, true)
  },
)

t.test('filling in twice changes nothing', async (t) => {
  const { response } = await answer(
    review(nodeGroup('workers', { metadata: { annotations: {} } })),
    '/mutate/nodegroups',
  )
  const patch = JSON.parse(Buffer.from(response.patch, 'base64').toString()) as Operation[]
  t.ok(
    patch.length > 0 && patch.every(({ path }) => path.startsWith('/spec') || path.startsWith('/metadata')),
  )
  const filled = jsonPatch(nodeGroup('workers', { metadata: { annotations: {} } }), patch) as object
  t.notOk((await answer(review(filled), '/mutate/nodegroups')).response.patch)
})
