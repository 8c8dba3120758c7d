import t from 'tap'
import { apiError } from '../../../common/kube/api-error.ts'
import type { KubeClient } from '../../../common/kube/client.ts'
import { askLeader } from '../../../controller/explain/ask.ts'
import type { Explanation } from '../../../controller/explain/explanation.ts'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { call } from '../../fixtures/http.ts'
import { node } from '../../fixtures/objects.ts'
import { pageToken, startTestPage } from '../../fixtures/page.ts'
import { clusterState } from '../../fixtures/state.ts'

const options = {
  namespace: 'kube-system',
  lease: 'vpsie-autoscaler-leader',
  serviceAccount: 'vpsie-autoscaler-viewer',
  port: 8444,
}
const { signal } = new AbortController()
const forbidden = (path: string) =>
  apiError(`GET ${path}`, 403, { kind: 'Status', reason: 'Forbidden', message: 'not you' }, undefined)

/** An API server with a page behind its proxy, which forbids what is said. */
async function start(
  t: { teardown: (end: () => unknown) => void },
  { holder = 'controller-0_1', forbids = '' } = {},
) {
  const files = await makeCertificates()
  t.teardown(() => files.remove())
  const page = await startTestPage({ tls: files })
  t.teardown(() => page.stop())
  page.decide(clusterState({ nodes: [node('node-1')] }))
  const asked: string[] = []
  const refuse = (what: string) => {
    if (forbids === what) throw forbidden(what)
  }
  const client = {
    async get() {
      refuse('leases')
      return { metadata: {}, spec: { holderIdentity: holder } } as never
    },
    async post(path: string, body: unknown) {
      refuse('token')
      asked.push(path)
      const { spec } = body as { spec: { audiences: string[] } }
      return { status: { token: pageToken({ audience: spec.audiences[0] ?? '' }) } } as never
    },
    async read(path: string, headers: Record<string, string>) {
      refuse('proxy')
      asked.push(path.split('?')[0] ?? '')
      const [, rest = ''] = /\/proxy(\/.*)$/.exec(path) ?? []
      const reply = await call({
        port: page.port,
        path: rest,
        ca: files.ca,
        headers: { accept: 'application/json', ...headers },
      })
      if (reply.status !== 200) throw apiError('GET', reply.status, JSON.parse(reply.body), undefined)
      return JSON.parse(reply.body) as never
    },
  } as unknown as Pick<KubeClient, 'get' | 'post' | 'read'>
  return {
    asked,
    ask: (query: string) => askLeader<Explanation>(client, `/v1/explain?${query}`, options, signal),
  }
}

t.test('the leader of the lease is asked, through the proxy, with a token made for it', async (t) => {
  const { asked, ask } = await start(t)
  t.match(await ask('node=node-1'), { kind: 'node', name: 'node-1', verdict: 'keep' })
  t.same(asked, [
    '/api/v1/namespaces/kube-system/serviceaccounts/vpsie-autoscaler-viewer/token',
    '/api/v1/namespaces/kube-system/pods/https:controller-0:8444/proxy/v1/explain',
  ])
})

t.test('what the page refuses is told in its own words', async (t) => {
  const { ask } = await start(t)
  await t.rejects(ask('node=node-9'), { message: /knows no node "node-9"; did you mean node-1/ })
})

t.test('while nobody leads that is said, with where to look', async (t) => {
  const { ask } = await start(t, { holder: '' })
  await t.rejects(ask('node=node-1'), { message: /nobody leads: see kubectl/ })
})

for (const [what, right] of [
  ['leases', /right to get leases in namespace kube-system/],
  ['token', /right to create serviceaccounts\/token of vpsie-autoscaler-viewer/],
  ['proxy', /right to get pods\/proxy/],
] as const) {
  t.test(`a missing right is named: ${what}`, async (t) => {
    const { ask } = await start(t, { forbids: what })
    await t.rejects(ask('node=node-1'), { message: right })
  })
}
