import t from 'tap'
import type { ConfigMap } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { apiOf } from '../contract/api.ts'
import { allRun, claims, deployment, leaderOf, liveMachines, settled, workers } from '../demo/look.ts'
import { apply } from '../fixtures/apply.ts'
import { until } from '../fixtures/wait.ts'
import { kubectl, kubectlOutput } from './kubectl.ts'
import { runningWorld, workersGroup } from './world.ts'

const world = await runningWorld(t)
const { floor, signal, client, programs, view } = world
const group = (spec: object = {}) => ({ stdin: JSON.stringify(workersGroup(spec)) })
await kubectlOutput(floor, ['apply', '-f', '-'], group())

t.test('with no node and no webhook the cluster still grows', async (t) => {
  t.equal(workers(world).length, 0)
  for (const webhook of programs.list('webhook')) await programs.kill(webhook)
  const { code, stderr } = await kubectl(floor, ['apply', '-f', '-'], group({ maxNodes: 7 }))
  t.equal(code, 1)
  t.match(stderr, /failed calling webhook "nodegroups.autoscaler.vpsie.com"/, 'people have to wait')
  await apply(client, [deployment('web', 2, '1500m', '1Gi')], signal)
  await allRun(world, { web: 2 })
  await settled(world)
  for (const { metadata } of workers(world))
    t.equal(metadata.labels?.['example.com/team'], undefined, 'no label that nobody asked for')
  const repaired = programs
    .list('controller')
    .flatMap(({ program }) => program.lines.filter((line) => line.includes('node repaired')))
  t.ok(repaired.length >= workers(world).length, 'the controller labelled what admission could not')
})

t.test(
  'an API server that restarts forgets old versions; every cache starts over and nothing is done twice',
  async (t) => {
    const named = (name: string): ConfigMap => ({ metadata: { name, namespace: 'default' }, data: {} })
    await client.create(resources.configMaps, named('before'), signal)
    await view.follow(resources.configMaps)
    const { body } = await apiOf(floor).get('/api/v1/namespaces/default/configmaps')
    const version: string = body.metadata.resourceVersion
    const machines = liveMachines(world).length

    await floor.restart(3_000)

    const gone = await apiOf(floor).get(
      `/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1&resourceVersion=${version}`,
    )
    t.match(JSON.stringify(gone.body), /"code":410|too old resource version/, 'the old version is gone')
    await client.create(resources.configMaps, named('after'), signal)
    await until(
      'the cache has caught up',
      () => view.of(resources.configMaps).get('default/after'),
      {},
      signal,
    )
    t.ok(view.of(resources.configMaps).get('default/before'))

    await leaderOf(world)
    t.equal(liveMachines(world).length, machines)
    await apply(client, [deployment('late', 1, '6', '2Gi')], signal)
    await allRun(world, { web: 2, late: 1 }, 60_000)
    await settled(world)
    t.equal(liveMachines(world).length, machines + 1)
    t.equal(claims(world).length, machines + 1)
  },
)
