import type { Test } from 'tap'
import { systemClock as clock } from '../../common/clock.ts'
import { connect } from '../../common/kube/connect.ts'
import { until } from '../fixtures/wait.ts'
import { accountToken, type Floor } from '../floors/floor.ts'
import { type Api, apiOf } from './api.ts'

const namespace = 'default'
const pods = `/api/v1/namespaces/${namespace}/pods`
const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`
const signal = new AbortController().signal

const node = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
})

const pod = (name: string, labels: Record<string, string>, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: { containers: [{ name: 'main', image: 'example:1' }], nodeName: 'contract-node', ...spec },
})

/** Marks a pod running and ready, as its kubelet does. */
async function run(api: Api, name: string): Promise<void> {
  const conditions = [{ type: 'Ready', status: 'True' }]
  const { status } = await api.patch(`${pods}/${name}/status`, { status: { phase: 'Running', conditions } })
  if (status !== 200) throw new Error(`pod ${name} could not be marked running: ${status}`)
}

function evict(api: Api, name: string, deleteOptions: object = {}) {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions }
  return api.post(`${pods}/${name}/eviction`, body)
}

/** Pods, their evictions and their tokens. */
export function podContract(t: Test, floor: Floor): void {
  const api = apiOf(floor)
  const client = connect({ clock }, { kubeconfig: floor.adminKubeconfig })

  t.test('a node is there', async (t) => {
    t.equal((await api.post('/api/v1/nodes', node('contract-node'))).status, 201)
  })

  t.test('a pod without a budget is marked at once, and gone with a grace of 0', async (t) => {
    t.equal((await api.post(pods, pod('alone', {}))).status, 201)
    await run(api, 'alone')
    t.match(await evict(api, 'alone', { preconditions: { uid: 'another' } }), { status: 409 })
    t.equal((await evict(api, 'alone')).status, 201)
    t.match((await api.get(`${pods}/alone`)).body.metadata, { deletionGracePeriodSeconds: 30 })
    await api.delete(`${pods}/alone`, { gracePeriodSeconds: 0 })
    t.equal((await api.get(`${pods}/alone`)).status, 404)
    t.match(await evict(api, 'alone'), { status: 404 })
  })

  t.test('a budget lets so many go and refuses the next with 429 and its name', async (t) => {
    const labels = { contract: 'budget' }
    for (const name of ['b-0', 'b-1', 'b-2']) {
      await api.post(pods, pod(name, labels))
      await run(api, name)
    }
    await api.post(budgets, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'contract' },
      spec: { minAvailable: 2, selector: { matchLabels: labels } },
    })
    const allowed = async () => (await api.get(`${budgets}/contract`)).body.status?.disruptionsAllowed
    await until('the budget is counted', async () => (await allowed()) === 1, {}, signal)
    t.equal((await evict(api, 'b-0')).status, 201)
    const refused = await evict(api, 'b-1')
    t.match(refused, {
      status: 429,
      body: {
        reason: 'TooManyRequests',
        details: { causes: [{ reason: 'DisruptionBudget', message: /contract needs 2 healthy pods/ }] },
      },
    })
    t.match((await api.get(`${pods}/b-1`)).body.metadata, { deletionTimestamp: undefined })
    await api.delete(`${budgets}/contract`)
    for (const name of ['b-0', 'b-1', 'b-2']) await api.delete(`${pods}/${name}`, { gracePeriodSeconds: 0 })
  })

  t.test('a token that is bound to a pod names its node, and ends with the pod', async (t) => {
    const request = { namespace, serviceAccount: 'default', audience: 'contract', pod: 'speaker' }
    await t.rejects(accountToken(client, request, signal), { code: 'NotFound' })
    await api.post(pods, pod('speaker', {}))
    const token = await accountToken(client, request, signal)
    const review = async (audiences: string[]) =>
      (
        await api.post('/apis/authentication.k8s.io/v1/tokenreviews', {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenReview',
          spec: { token, audiences },
        })
      ).body.status
    const status = await review(['contract', 'another'])
    t.same(status.audiences, ['contract'])
    t.equal(status.user.username, 'system:serviceaccount:default:default')
    const { uid: nodeUid } = (await api.get('/api/v1/nodes/contract-node')).body.metadata
    const { uid: podUid } = (await api.get(`${pods}/speaker`)).body.metadata
    const extra = (name: string) => status.user.extra[`authentication.kubernetes.io/${name}`]
    t.same(extra('pod-name'), ['speaker'])
    t.same(extra('pod-uid'), [podUid])
    t.same(extra('node-name'), ['contract-node'])
    t.same(extra('node-uid'), [nodeUid])
    t.not((await review(['another'])).authenticated, true, 'it is for its audience only')
    t.equal((await apiOf(floor, token).get('/api/v1/nodes')).status, 401, 'and not for the API server')
    await api.delete(`${pods}/speaker`, { gracePeriodSeconds: 0 })
    await until(
      'the token is void',
      async () => (await review(['contract'])).authenticated !== true,
      { withinMs: 20_000 },
      signal,
    )
    const absent = { ...request, serviceAccount: 'absent' }
    await t.rejects(accountToken(client, absent, signal), { code: 'NotFound' })
  })

  t.test('the node goes', async (t) => {
    t.equal((await api.delete('/api/v1/nodes/contract-node')).status, 200)
  })
}
