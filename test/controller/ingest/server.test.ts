import { connect } from 'node:tls'
import t from 'tap'
import { systemClock as clock } from '../../../common/clock.ts'
import { createMetrics, Registry } from '../../../common/metrics.ts'
import { authenticateAgents } from '../../../controller/ingest/auth.ts'
import { ingestMetrics } from '../../../controller/ingest/metrics.ts'
import { startIngest } from '../../../controller/ingest/server.ts'
import { createUsageStore } from '../../../controller/ingest/store.ts'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { call } from '../../fixtures/http.ts'
import { captureLog } from '../../fixtures/log.ts'
import { report } from '../../fixtures/report.ts'

const files = await makeCertificates()
t.teardown(() => files.remove())
const { log } = captureLog()
const metrics = createMetrics(new Registry(), ingestMetrics)
const usage = createUsageStore({ clock }, { reportIntervalMs: 15_000, forgetAfterMs: 600_000, maxNodes: 10 })
const end = new AbortController()
t.teardown(() => end.abort())

const token = (node: string, over: object = {}) => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 600
  return `${part({ alg: 'none' })}.${part({ aud: ['vpsie-autoscaler'], exp, node, ...over })}.sig`
}
let isAway = false
let reviews = 0
/** An API server that believes what a token says of its node, and refuses the node `nobody`. */
const client = {
  get: () => Promise.reject(new Error('no pod is asked for')),
  async post(_: string, body: unknown) {
    reviews++
    if (isAway) throw new Error('away')
    const { spec } = body as { spec: { token: string } }
    const { node } = JSON.parse(Buffer.from(spec.token.split('.')[1] ?? '', 'base64url').toString())
    const username = `system:serviceaccount:kube-system:${node === 'nobody' ? 'default' : 'vpsie-autoscaler-agent'}`
    const extra = { 'authentication.kubernetes.io/node-name': [node] }
    return {
      status: { authenticated: true, audiences: ['vpsie-autoscaler'], user: { username, extra } },
    } as never
  },
}
const account = { namespace: 'kube-system', serviceAccount: 'vpsie-autoscaler-agent', maxTokens: 100 }
const server = await startIngest(
  {
    log,
    clock,
    metrics,
    usage,
    authenticate: authenticateAgents({ client, clock, log, metrics, hasPod: () => true }, account),
    nodeOf: (name) => (name === 'sandboxed' ? { uid: 'u', memoryBytes: 2000 } : undefined),
    lagMs: () => 0,
  },
  { address: '127.0.0.1:0', certFile: files.certFile, keyFile: files.keyFile, reportIntervalMs: 15_000 },
  end.signal,
)
t.teardown(() => server.stop({ lameDuckMs: 0, graceMs: 100 }))

const good = report()

interface Post {
  body?: unknown
  bearer?: string
  headers?: Record<string, string>
}

const post = ({ body = good, bearer = token('node-1'), headers = {} }: Post = {}) =>
  call({
    port: server.port,
    path: '/v1/reports',
    ca: files.ca,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

const countOf = async (result: string) =>
  (await metrics.agent_reports_total.get()).values.find(({ labels }) => labels.result === result)?.value ?? 0

const refused: [title: string, status: number, result: string, sent: Post, message: RegExp][] = [
  ['no JSON', 400, 'malformed', { body: '{' }, /must be JSON/],
  [
    'an unknown version',
    400,
    'malformed',
    { body: { ...good, version: 2 } },
    /version: Unsupported value: 2/,
  ],
  [
    'a share above 1',
    400,
    'malformed',
    { body: { ...good, cpu: { ...good.cpu, steal: 7 } } },
    /cpu.steal: .*less than or equal to 1/,
  ],
  ['a negative figure', 400, 'malformed', { body: { ...good, windowSeconds: -1 } }, /windowSeconds: /],
  [
    'no number at all',
    400,
    'malformed',
    { body: JSON.stringify(good).replace('"steal":0', '"steal":null') },
    /cpu.steal: /,
  ],
  [
    'more memory than there is',
    400,
    'malformed',
    { body: { ...good, memory: { totalBytes: 1, availableBytes: 2, workingSetBytes: 1 } } },
    /at most totalBytes/,
  ],
  ['a missing field', 400, 'malformed', { body: { ...good, seq: undefined } }, /seq: Required value/],
  ['no token', 401, 'unauthenticated', { headers: { authorization: '' } }, /bearer token/],
  [
    'a token for somebody else',
    401,
    'unauthenticated',
    { bearer: token('node-1', { aud: ['other'] }) },
    /not an agent/,
  ],
  ['an expired token', 401, 'unauthenticated', { bearer: token('node-1', { exp: 1 }) }, /not an agent/],
  ['another account', 401, 'unauthenticated', { bearer: token('nobody') }, /not an agent/],
  ['a report for another node', 403, 'wrong-node', { bearer: token('node-2') }, /another node/],
  ['too long a body', 413, 'too-large', { body: `{"x":"${'y'.repeat(17_000)}"}` }, /at most 16384 bytes/],
  [
    "a machine that is not the Node's",
    400,
    'wrong-machine',
    { bearer: token('sandboxed'), body: { ...good, node: 'sandboxed' } },
    /memory.totalBytes: must be within 5 % of the Node's 2000: it is 1000/,
  ],
  [
    'another media type',
    415,
    'wrong-type',
    { headers: { 'content-type': 'text/plain' } },
    /application\/json/,
  ],
]

for (const [title, status, result, sent, message] of refused) {
  t.test(`${title} is answered with ${status}, counted as ${result}, and nothing is kept`, async (t) => {
    const before = await countOf(result)
    const reply = await post(sent)
    t.equal(reply.status, status, reply.body)
    t.match(JSON.parse(reply.body).error, message)
    t.equal(await countOf(result), before + 1)
    t.same(usage.agents(), [])
  })
}

const second = report({ node: 'node-2' })

t.test(
  'while the API server is away an unknown token is told to come again, a known one goes on',
  async (t) => {
    isAway = true
    const reply = await post({ bearer: token('node-2', { jti: 'new' }) })
    t.equal(reply.status, 503)
    const seconds = Number(reply.headers['retry-after'])
    t.ok(seconds >= 5 && seconds <= 20, `${seconds} s, spread over an interval`)
    isAway = false
    const known = token('node-2', { jti: 'known' })
    t.equal((await post({ bearer: known, body: second })).status, 202)
    isAway = true
    const asked = reviews
    t.equal((await post({ bearer: known, body: { ...second, seq: 2 } })).status, 202)
    t.equal(reviews, asked, 'it is not asked about again')
    isAway = false
  },
)

const third = report({ node: 'node-3' })

t.test('a report is taken once, and an earlier start of the agent no more', async (t) => {
  t.match(await post({ bearer: token('node-3'), body: { ...third, seq: 3 } }), {
    status: 202,
    body: /"nextReportSeconds":15/,
  })
  t.equal((await post({ bearer: token('node-3'), body: { ...third, seq: 3 } })).status, 409)
  t.equal((await post({ bearer: token('node-3'), body: { ...third, bootId: 'boot/2' } })).status, 202)
  t.equal((await post({ bearer: token('node-3'), body: { ...third, seq: 9 } })).status, 409)
  const freshness = () => usage.agents().find(({ node }) => node === 'node-3')?.freshness
  t.equal(freshness(), 'fresh')
  t.equal(
    (await post({ bearer: token('node-3'), body: { ...third, bootId: 'boot/2', seq: 2, final: true } }))
      .status,
    202,
  )
  t.equal(freshness(), 'unknown')
})

t.test('a node that reports too often is told when to come again, and no other is', async (t) => {
  const body = (seq: number) => report({ node: 'node-4', seq })
  const bearer = token('node-4')
  for (let seq = 1; seq <= 6; seq++) t.equal((await post({ bearer, body: body(seq) })).status, 202)
  t.match(await post({ bearer, body: body(7) }), { status: 429, headers: { 'retry-after': /^[1-8]$/ } })
  t.equal((await post({ bearer: token('node-5'), body: report({ node: 'node-5' }) })).status, 202)
})

t.test('another method is answered with the one there is', async (t) => {
  const reply = await call({ port: server.port, path: '/v1/reports', ca: files.ca })
  t.match(reply, { status: 405, headers: { allow: 'POST' } })
})

t.test('a clock that is far off is counted, and the report is taken', async (t) => {
  const skewed = async () => (await metrics.agent_reports_skewed_total.get()).values[0]?.value ?? 0
  const before = await skewed()
  const body = (over: object) => report({ node: 'node-6', ...over })
  t.equal((await post({ bearer: token('node-6'), body: body({}) })).status, 202)
  t.equal(await skewed(), before + 1)
  const at = new Date().toISOString()
  t.equal((await post({ bearer: token('node-6'), body: body({ seq: 2, at }) })).status, 202)
  t.equal(await skewed(), before + 1)
})

t.test('how long an answer took is measured', async (t) => {
  const { values } = await metrics.report_duration_seconds.get()
  t.ok(values.some(({ metricName = '', value }) => metricName.endsWith('_count') && value > 10))
})

t.test('what is no request at all is answered, and counted by its reason', async (t) => {
  const before = await countOf('malformed')
  const socket = connect({ port: server.port, host: '127.0.0.1', ca: files.ca, minVersion: 'TLSv1.3' })
  socket.write('HELLO\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += chunk
  t.match(text, /^HTTP\/1.1 400 /)
  t.equal(await countOf('malformed'), before + 1)
})

t.test('a report that is on its way when the controller stops is taken', async (t) => {
  const stopping = new AbortController()
  const started = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const slow = {
    ...client,
    async post(path: string, body: unknown) {
      started.resolve()
      await go.promise
      return client.post(path, body)
    },
  }
  const own = createUsageStore({ clock }, { reportIntervalMs: 15_000, forgetAfterMs: 600_000, maxNodes: 10 })
  const authenticate = authenticateAgents({ client: slow, clock, log, metrics, hasPod: () => true }, account)
  const other = await startIngest(
    { log, clock, metrics, usage: own, authenticate, nodeOf: () => undefined, lagMs: () => 0 },
    { address: '127.0.0.1:0', certFile: files.certFile, keyFile: files.keyFile, reportIntervalMs: 15_000 },
    stopping.signal,
  )
  const headers = { authorization: `Bearer ${token('node-1')}`, 'content-type': 'application/json' }
  const body = JSON.stringify(good)
  const reply = call({ port: other.port, path: '/v1/reports', ca: files.ca, headers, body })
  await started.promise
  stopping.abort()
  const stopped = other.stop({ lameDuckMs: 0, graceMs: 5_000 })
  go.resolve()
  t.equal((await reply).status, 202)
  await stopped
  t.equal(own.agents().length, 1)
})
