import t from 'tap'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { type CallOptions, call } from '../../fixtures/http.ts'
import { node, pod } from '../../fixtures/objects.ts'
import { pageToken, startTestPage } from '../../fixtures/page.ts'
import { clusterState } from '../../fixtures/state.ts'

async function start(t: { teardown: (end: () => unknown) => void }) {
  const page = await startTestPage({ leader: 'controller-1' })
  t.teardown(() => page.stop())
  const get = (path: string, token?: string, more: Partial<CallOptions> = {}) =>
    call({
      port: page.port,
      path,
      ...more,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...more.headers },
    })
  const submit = (body: string, headers: Record<string, string> = {}) =>
    get('/sign-in', undefined, {
      body,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
        ...headers,
      },
    })
  const result = async (name: string) =>
    (await page.metrics.page_requests_total.get()).values.find(({ labels }) => labels.result === name)?.value
  return { ...page, get, submit, result }
}

const state = clusterState({ nodes: [node('node-1')], pods: [pod('pod-1', { requests: { cpu: '64' } })] })

t.test('who is let in', async (t) => {
  const { get, decide } = await start(t)
  decide(state)
  const cases: [string, number, string | undefined, Record<string, string>?][] = [
    ['a token of the viewer', 200, pageToken()],
    [
      "the same in the header that survives the API server's proxy",
      200,
      undefined,
      { 'x-vpsie-autoscaler-token': pageToken() },
    ],
    ['nobody', 401, undefined],
    ['a token that is none', 401, 'secret'],
    ['a token for another audience', 401, pageToken({ audience: 'vpsie-autoscaler' })],
    ['a token that has expired', 401, pageToken({ minutes: -1 })],
    ['a token that the API server does not know', 401, pageToken({ user: 'nobody' })],
    ['a token of somebody else', 403, pageToken({ user: 'system:serviceaccount:default:nosy' })],
    ['a session that was never opened', 401, undefined, { cookie: 'vpsie-autoscaler-0=x' }],
  ]
  for (const [who, status, token, headers = {}] of cases) {
    t.equal((await get('/v1/status', token, { headers })).status, status, who)
  }
  t.equal((await get(`/v1/status?token=${pageToken()}`)).status, 401, 'a token in the query')
  t.equal((await get('/v1/status')).headers['www-authenticate'], 'Bearer realm="vpsie-autoscaler"')
})

t.test(
  'while the API server is away a known token goes on, and an unknown one is asked to come again',
  async (t) => {
    const { get, api, decide } = await start(t)
    decide(state)
    const known = pageToken()
    t.equal((await get('/v1/status', known)).status, 200)
    api.isAway = true
    t.equal((await get('/v1/status', known)).status, 200)
    t.equal((await get('/v1/status', pageToken({ minutes: 5 }))).status, 503)
  },
)

t.test('who shows many tokens waits, and costs the API server nothing more', async (t) => {
  const { get, api } = await start(t)
  const replies = await Promise.all(
    Array.from({ length: 60 }, (_, i) => get('/v1/status', pageToken({ user: 'nobody', minutes: i + 1 }))),
  )
  const throttled = replies.filter(({ status }) => status === 429)
  t.ok(throttled.length >= 20, `${throttled.length} wait`)
  t.ok(Number(throttled[0]?.headers['retry-after']) >= 1)
  t.ok(api.reviews <= 40)
})

t.test(
  'a session: signing in gives a cookie that scripts and other sites never see, signing out ends it',
  async (t) => {
    const { get, submit, decide, logged } = await start(t)
    decide(state)
    const token = pageToken()
    const reply = await submit(`token=${encodeURIComponent(token)}`)
    t.equal(reply.status, 303)
    const [cookie = ''] = reply.headers['set-cookie'] ?? []
    t.match(cookie, /; HttpOnly; SameSite=Strict; Path=\/$/)
    t.notOk(cookie.includes(token), 'the browser does not get the token back')
    const headers = { cookie: cookie.split(';')[0] ?? '' }
    t.equal((await get('/', undefined, { headers })).status, 200)
    await get('/sign-out', undefined, {
      method: 'POST',
      headers: { ...headers, 'sec-fetch-site': 'same-origin' },
    })
    t.equal((await get('/v1/status', undefined, { headers })).status, 401)
    t.notOk(logged().includes(token))
  },
)

t.test('forms of other sites are refused, and so are large ones', async (t) => {
  const { submit, result } = await start(t)
  t.equal((await submit('token=x', { 'sec-fetch-site': 'cross-site' })).status, 403)
  t.equal((await submit(`token=${'x'.repeat(20_000)}`)).status, 413)
  t.equal(await result('forbidden'), 1)
})

t.test('it is only for reading', async (t) => {
  const { get } = await start(t)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    t.equal((await get('/v1/status', pageToken(), { method })).status, 405, method)
})

t.test('every reply forbids content of others, framing and keeping', async (t) => {
  const { get } = await start(t)
  for (const path of ['/', '/sign-in', '/style.css', '/live.js', '/v1/status', '/nothing']) {
    const { headers } = await get(path, pageToken())
    t.match(headers, {
      'content-security-policy': /default-src 'none'.*frame-ancestors 'none'/,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    t.notMatch(headers['content-security-policy'], /unsafe/)
  }
})

t.test('what can be asked, and how wrong questions are answered', async (t) => {
  const { get, decide } = await start(t)
  const ask = (query: string, headers: Record<string, string> = {}) =>
    get(`/v1/explain?${query}`, pageToken(), { headers })
  t.match(await ask('node=node-1'), {
    status: 503,
    body: /controller-1 leads/,
    headers: { 'retry-after': /\d/ },
  })
  decide(state)
  t.match(JSON.parse((await ask('pod=default/pod-1')).body), {
    kind: 'pod',
    name: 'default/pod-1',
    verdict: 'unschedulable',
    reasons: [{ code: 'NoGroupFits' }, { code: 'NodeResourcesFit' }],
  })
  t.match(JSON.parse((await ask('group=workers')).body), { kind: 'group', name: 'kube-system/workers' })
  t.match((await ask('node=node-1', { accept: 'text/plain' })).body, /^node node-1: keep/)
  t.match(await ask('pod=default/pod-2'), { status: 404, body: /did you mean default\/pod-1/ })
  for (const query of ['', 'pod=', 'pod=a&node=b', 'pod=a&pod=b', `pod=${'x'.repeat(600)}`])
    t.match(await ask(query), { status: 400, body: /exactly one of node=NAME/ }, query)
})

t.test('a search keeps the rows that hold it, and the figures of the whole cluster', async (t) => {
  const { get, decide } = await start(t)
  const large = ['a-1', 'a-2', 'b-1'].map((name) => pod(name, { requests: { cpu: '64' } }))
  decide(clusterState({ nodes: [node('node-1')], pods: large }))
  const status = async (query: string) => JSON.parse((await get(`/v1/status?q=${query}`, pageToken())).body)
  for (const [query, names] of [
    ['', ['default/a-1', 'default/a-2', 'default/b-1']],
    ['B-', ['default/b-1']],
    ['nogroupfits', ['default/a-1', 'default/a-2', 'default/b-1']],
    ['nothing', []],
  ] as const) {
    const { pods, decision } = await status(query)
    t.same(
      pods.rows.map((row: { pod: string }) => row.pod),
      names,
      query,
    )
    t.equal(decision.waitingPods, 3)
  }
})

t.test('with a certificate it speaks TLS, and its cookie is for TLS alone', async (t) => {
  const files = await makeCertificates()
  t.teardown(() => files.remove())
  const page = await startTestPage({ tls: files })
  t.teardown(() => page.stop())
  const { status, headers } = await call({
    port: page.port,
    path: '/sign-in',
    ca: files.ca,
    body: `token=${pageToken()}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
  })
  t.equal(status, 303)
  t.match(headers['set-cookie']?.[0], /^__Host-vpsie-autoscaler-.*; Secure$/)
})
