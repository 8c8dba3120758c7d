import t from 'tap'
import { resources } from '../../common/kube/resources.ts'
import { parseQuantity } from '../../common/quantity.ts'
import { leaderOf, metric, settled, workers } from '../demo/look.ts'
import type { PodProcess } from '../demo/programs.ts'
import { call } from '../fixtures/http.ts'
import { report } from '../fixtures/report.ts'
import { until } from '../fixtures/wait.ts'
import { workloads } from '../fixtures/workloads.ts'
import { type AccountTokenRequest, accountToken } from '../floors/floor.ts'
import { isPodReady } from '../simulators/kubernetes/controllers/deployments.ts'
import { kubectl, kubectlOutput } from './kubectl.ts'
import { runningWorld, workersGroup } from './world.ts'

const size = 3
const world = await runningWorld(t)
const { floor, client, view, programs, signal } = world
await kubectlOutput(floor, ['apply', '-f', '-'], {
  stdin: JSON.stringify(workersGroup({ minNodes: size, maxNodes: size })),
})
await until('the nodes are there', () => workers(world).length === size, {}, signal)
await settled(world)

const namespace = 'kube-system'
const daemonSet = 'daemonset/vpsie-autoscaler-agent'
const isAgent = ({ metadata }: { metadata: { labels?: Record<string, string> } }) =>
  metadata.labels?.['app.kubernetes.io/component'] === 'agent'
const pods = () => view.list(resources.pods).filter(isAgent)
const readyPods = () => pods().filter((pod) => isPodReady(pod) && !pod.metadata.deletionTimestamp)
const nodes = () => view.list(resources.nodes).length

/** Waits until both controllers count so many agents. */
async function counted(freshness: 'fresh' | 'unknown', count: number): Promise<void> {
  for (const controller of programs.list('controller')) {
    await until(
      `${count} agents are ${freshness}`,
      async () => (await metric(controller, 'agents', { freshness })) === count,
      {},
      signal,
    )
  }
}

/** The agent of some worker. */
function anAgent(): PodProcess {
  const names = new Set(workers(world).map(({ metadata }) => metadata.name))
  const found = programs.list('agent').find(({ pod }) => names.has(pod.spec.nodeName ?? ''))
  if (!found) throw new Error('no worker has an agent')
  return found
}

const tokenOf = (request: Partial<AccountTokenRequest>) =>
  accountToken(
    client,
    { namespace, serviceAccount: 'vpsie-autoscaler-agent', audience: 'vpsie-autoscaler', ...request },
    signal,
  )

/** What the controller that leads answers a report of `node`, whose machine is as it is. */
async function answer(node: string, token: string): Promise<number> {
  const { leader } = await leaderOf(world)
  const ca = view.of(resources.configMaps).get(`${namespace}/vpsie-autoscaler-trust`)?.data?.['ca.crt'] ?? ''
  const capacity = view.of(resources.nodes).get(node)?.status?.capacity?.memory ?? 0
  const totalBytes = parseQuantity(capacity, 'memory')
  const memory = { totalBytes, availableBytes: totalBytes, workingSetBytes: 0 }
  const body = JSON.stringify(report({ node, bootId: 'test', seq: Date.now(), memory }))
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return (await call({ port: leader.ports.ingest ?? 0, ca, path: '/v1/reports', headers, body })).status
}

await view.follow(resources.configMaps)

t.test('every node has an agent, and both controllers know of each', async (t) => {
  await until('all agents are ready', () => readyPods().length === nodes(), {}, signal)
  await counted('fresh', nodes())
  t.same(new Set(pods().map(({ spec }) => spec.nodeName)).size, nodes())
})

t.test("the API server's own tokens speak for the node of their pod, and for no other", async (t) => {
  const { pod } = anAgent()
  const node = pod.spec.nodeName ?? ''
  const other = workers(world).find(({ metadata }) => metadata.name !== node)?.metadata.name ?? ''
  const bound = await tokenOf({ pod: pod.metadata.name })
  t.equal(await answer(other, bound), 403)
  t.equal(await answer(node, await tokenOf({})), 401, 'bound to no pod')
  const elsewhere = { pod: pod.metadata.name, audience: 'https://kubernetes.default.svc' }
  t.equal(await answer(node, await tokenOf(elsewhere)), 401, 'for another audience')
  t.equal(await answer(node, `${bound.slice(0, -8)}AAAAAAAA`), 401, 'with a broken signature')
  t.equal(await answer(node, bound), 202)
})

t.test('an agent that is killed leaves its node unknown until there is another one', async (t) => {
  await counted('fresh', nodes())
  const agent = anAgent()
  const { name, uid } = agent.pod.metadata
  const node = agent.pod.spec.nodeName ?? ''
  const token = await tokenOf({ pod: name })
  t.equal(await answer(node, token), 202)
  await programs.kill(agent)
  await counted('unknown', 1)
  t.equal(workers(world).length, size, 'and the node stays')
  await kubectlOutput(floor, ['delete', 'pod', name, '-n', namespace, '--wait=true'])
  await until('another agent runs', () => readyPods().length === nodes(), {}, signal)
  t.notOk(pods().some(({ metadata }) => metadata.uid === uid))
  await counted('fresh', nodes())
  // The API server itself goes on believing a token for ten seconds; we, who had believed it for five minutes, ask.
  await until('the token has gone with its pod', async () => (await answer(node, token)) === 401, {}, signal)
})

t.test('a rollout takes one agent after the other, and no node is unknown for long', async (t) => {
  let least = readyPods().length
  const off = view.of(resources.pods).onChange(() => {
    least = Math.min(least, readyPods().length)
  })
  const before = new Set(pods().map(({ metadata }) => metadata.uid))
  await kubectlOutput(floor, ['rollout', 'restart', daemonSet, '-n', namespace])
  await kubectlOutput(floor, ['rollout', 'status', daemonSet, '-n', namespace, '--timeout=120s'])
  off()
  t.notOk(pods().some(({ metadata }) => before.has(metadata.uid)))
  t.equal(least, nodes() - 1, 'a tenth, but at least one')
  await counted('fresh', nodes())
})

t.test('the API server takes the pod of the DaemonSet where pods must be restricted', async (t) => {
  const restricted = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'restricted', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  }
  const account = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'vpsie-autoscaler-agent', namespace: 'restricted' },
  }
  for (const object of [restricted, account])
    await kubectlOutput(floor, ['apply', '-f', '-'], { stdin: JSON.stringify(object) })
  const template = workloads().find(({ kind }) => kind === 'DaemonSet')?.template
  const make = (spec: object) =>
    kubectl(floor, ['create', '--dry-run=server', '-f', '-'], {
      stdin: JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'agent', namespace: 'restricted' },
        spec: { ...template?.spec, ...spec },
      }),
    })
  t.match(await make({}), { code: 0, stderr: '' })
  t.match(await make({ hostPID: true }), { code: 1, stderr: /violates PodSecurity "restricted/ })
})
