import t from 'tap'
import { systemClock as clock } from '../../common/clock.ts'
import type { PodDisruptionBudget } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { parseUnits } from '../../common/quantity.ts'
import {
  allRun,
  claims,
  deployment,
  events,
  leaderOf,
  liveMachines,
  podsOf,
  scale,
  settled,
  workers,
} from '../demo/look.ts'
import { apply } from '../fixtures/apply.ts'
import { call } from '../fixtures/http.ts'
import { report } from '../fixtures/report.ts'
import { until } from '../fixtures/wait.ts'
import { type AccountTokenRequest, accountToken } from '../floors/floor.ts'
import { kubectl, kubectlOutput } from './kubectl.ts'
import { runningWorld, workersGroup } from './world.ts'

const world = await runningWorld(t)
const { floor, signal, client, programs } = world
const inSystem = ['-n', 'kube-system']
/** What `kubectl rollout status` says; where it does not end, the agents' pods say why. */
async function rolledOut(): Promise<string> {
  const { code, stdout, stderr } = await kubectl(floor, rollout)
  if (code === 0) return stdout
  const agents = await kubectlOutput(floor, ['get', 'ds,pods,nodes', ...inSystem, '-o', 'wide'])
  throw new Error(`${stdout}${stderr}\n${agents}`)
}

// The DaemonSet controller does not hear of a Node that is deleted. It counts anew when pod garbage collection has taken
// the pods of that Node away, which is within a minute.
const rollout = ['rollout', 'status', 'daemonset/vpsie-autoscaler-agent', ...inSystem, '--timeout=120s']

t.test('the rollout of the agents is complete as nodes come', async (t) => {
  const group = workersGroup({
    scaleDownPolicy: { enabled: true, stabilizationWindowSeconds: 2, cooldownSeconds: 0 },
  })
  await kubectlOutput(floor, ['apply', '-f', '-'], { stdin: JSON.stringify(group) })
  await apply(client, [deployment('heavy', 3, '6', '2Gi')], signal)
  await allRun(world, { heavy: 3 })
  await settled(world)
  t.match(await rolledOut(), /successfully rolled out/)
  const ready = [
    'get',
    'daemonset',
    'vpsie-autoscaler-agent',
    ...inSystem,
    '-o',
    'jsonpath={.status.numberReady}',
  ]
  t.equal(await kubectlOutput(floor, ready), String(workers(world).length + 1))
})

t.test('a new version of the agents rolls out, one node after the other, while nodes go', async (t) => {
  const before = new Set(programs.list('agent').map(({ pod }) => pod.metadata.name))
  let most = 0
  const count = () => {
    const pods = world.view
      .list(resources.pods)
      .filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'agent')
    const leaving = pods.filter(
      ({ metadata, spec }) => metadata.deletionTimestamp && nodeStays(spec.nodeName),
    )
    most = Math.max(most, leaving.length)
  }
  const names = () => new Set(world.view.list(resources.nodes).map(({ metadata }) => metadata.name))
  const nodeStays = (name: string | undefined) => name !== undefined && names().has(name)
  const stop = world.view.of(resources.pods).onChange(count)
  await kubectlOutput(floor, ['rollout', 'restart', 'daemonset/vpsie-autoscaler-agent', ...inSystem])
  await scale(world, 'heavy', 1)
  t.match(await rolledOut(), /successfully rolled out/)
  await until('the nodes that are not needed are gone', () => liveMachines(world).length === 1, {}, signal)
  await settled(world)
  t.match(await rolledOut(), /successfully rolled out/)
  stop()
  t.ok(most <= 1, `never more than one agent was away at once on a node that stays: ${most}`)
  await until(
    'each node has a new agent',
    () => {
      const agents = programs.list('agent')
      return (
        agents.length === workers(world).length + 1 &&
        agents.every(({ pod }) => !before.has(pod.metadata.name))
      )
    },
    {},
    signal,
  )
})

t.test(
  'a claim that a person deletes waits for a budget as long as it takes, and goes when the budget lets it',
  async (t) => {
    const budget: PodDisruptionBudget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'heavy', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'heavy' } }, minAvailable: 1 },
    }
    await client.create(resources.podDisruptionBudgets, budget, signal)
    const name = claims(world)[0]?.metadata.name ?? ''
    await kubectlOutput(floor, ['delete', 'vn', name, ...inSystem, '--wait=false'])
    await until(
      'the controller tells what it waits for',
      () => events(world, 'Draining').some(({ message }) => message.includes('disruption budget')),
      {},
      signal,
    )
    t.equal(
      podsOf(world, 'heavy').filter(({ metadata }) => metadata.deletionTimestamp).length,
      0,
      'no pod is evicted',
    )
    t.equal(liveMachines(world).length, 1, 'the machine runs on')
    await kubectlOutput(floor, ['delete', 'pdb', 'heavy'])
    await until(
      'the claim is gone',
      () => claims(world).every(({ metadata }) => metadata.name !== name),
      {},
      signal,
    )
    await allRun(world, { heavy: 1 })
    await settled(world)
    t.equal(liveMachines(world).length, 1, 'its pod has a new machine')
  },
)

t.test("only an agent's own token, bound to its pod, speaks for its node", async (t) => {
  const { leader } = await leaderOf(world)
  const ca = Buffer.from(
    await kubectlOutput(floor, [
      'get',
      'configmap',
      'vpsie-autoscaler-trust',
      ...inSystem,
      '-o',
      'jsonpath={.data.ca\\.crt}',
    ]),
  ).toString()
  const [worker] = workers(world)
  const node = worker?.metadata.name ?? ''
  // A report about another machine's memory would be a sandbox's.
  const totalBytes = parseUnits(worker?.status?.capacity?.memory ?? 0, 'capacity.memory')
  const memory = { totalBytes, availableBytes: totalBytes / 2, workingSetBytes: totalBytes / 2 }
  const { pod: agent } = await until(
    'its node has an agent',
    () => programs.list('agent').find(({ pod }) => pod.spec.nodeName === node),
    {},
    signal,
  )
  const account = { namespace: 'kube-system', serviceAccount: 'vpsie-autoscaler-agent' }
  const good = { ...account, audience: 'vpsie-autoscaler', pod: agent.metadata.name }
  const cases: [title: string, token: AccountTokenRequest, node: string, status: number][] = [
    ['its own node', good, node, 202],
    ['another node', good, 'another-node', 403],
    ['the audience of the API server', { ...account, pod: good.pod }, node, 401],
    ['no pod', { ...account, audience: 'vpsie-autoscaler' }, node, 401],
    [
      'another account',
      { namespace: 'default', serviceAccount: 'default', audience: 'vpsie-autoscaler' },
      node,
      401,
    ],
  ]
  for (const [title, request, about, status] of cases) {
    const token = await accountToken(client, request, signal)
    const body = JSON.stringify(
      report({ node: about, bootId: `test/${title}`, at: new Date(clock.now()).toISOString(), memory }),
    )
    const reply = await call({
      port: leader.ports.ingest ?? 0,
      path: '/v1/reports',
      ca,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
    })
    t.equal(reply.status, status, `${title}: ${reply.body}`)
  }
})

t.test('a leader that is told to stop hands over at once', async (t) => {
  const { leader, others } = await leaderOf(world)
  const before = liveMachines(world).length
  t.equal(await leader.program.stop('SIGTERM'), 0)
  const { leader: next } = await leaderOf(world)
  t.equal(next, others[0])
  const holder = [
    'get',
    'lease',
    'vpsie-autoscaler-leader',
    ...inSystem,
    '-o',
    'jsonpath={.spec.holderIdentity}',
  ]
  t.match(await kubectlOutput(floor, holder), /\S+/)
  t.equal(liveMachines(world).length, before)
  t.match(await kubectl(floor, ['get', 'ng', 'workers', ...inSystem]), { code: 0 })
})
