import t from 'tap'
import { systemClock as clock } from '../../../common/clock.ts'
import { createMetrics, Registry } from '../../../common/metrics.ts'
import { createAuthenticate } from '../../../controller/ingest/auth.ts'
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
    authenticate: createAuthenticate({ client, clock, log, metrics }, account),
    uidOfNode: () => undefined,
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

t.test(
  'while the API server is away an unknown token is told to come again, a known one goes on',
  async (t) => {
    isAway = true
    const reply = await post({ bearer: token('node-1', { jti: 'new' }) })
    t.match(reply, { status: 503, headers: { 'retry-after': '5' } })
    isAway = false
    const known = token('node-1', { jti: 'known' })
    t.equal((await post({ bearer: known })).status, 202)
    isAway = true
    const asked = reviews
    t.equal((await post({ bearer: known, body: { ...good, seq: 2 } })).status, 202)
    t.equal(reviews, asked, 'it is not asked about again')
    isAway = false
  },
)

t.test('a report is taken once, and an earlier start of the agent no more', async (t) => {
  t.match(await post({ body: { ...good, seq: 3 } }), { status: 202, body: /"nextReportSeconds":15/ })
  t.equal((await post({ body: { ...good, seq: 3 } })).status, 409)
  t.equal((await post({ body: { ...good, bootId: 'boot/2' } })).status, 202)
  t.equal((await post({ body: { ...good, seq: 9 } })).status, 409)
  t.same(
    usage.agents().map(({ node, freshness }) => [node, freshness]),
    [['node-1', 'fresh']],
  )
  t.equal((await post({ body: { ...good, bootId: 'boot/2', seq: 2, final: true } })).status, 202)
  t.same(
    usage.agents().map(({ freshness }) => freshness),
    ['unknown'],
  )
})
