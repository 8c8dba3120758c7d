import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { systemClock as clock, toMicroTime } from '../../common/clock.ts'
import type { KubeObject } from '../../common/kube/objects.ts'
import { pathOf, resources } from '../../common/kube/resources.ts'
import { apiOf } from '../contract/api.ts'
import { leaderOf, liveMachines, machines } from '../demo/look.ts'
import { vpsieSecret } from '../demo/world.ts'
import { apply, resourceOf } from '../fixtures/apply.ts'
import { until } from '../fixtures/wait.ts'
import { openGuide } from './guide.ts'
import { kubectlOutput } from './kubectl.ts'
import { emptyWorld } from './world.ts'

type Stored = KubeObject & { spec: Record<string, unknown>; status: object }

const root = new URL('../..', import.meta.url).pathname
const world = await emptyWorld(t)
const { floor, client, signal, vpsie } = world
const api = apiOf(floor)
const lease = { namespace: 'kube-system', name: 'vpsie-autoscaler-leader' }

/** A machine that the Go autoscaler has made, in a pool of its size, with its Node registered. */
async function oldMachine() {
  const size = vpsie.cloud.catalog.sizes.find(({ name }) => name === 'small')
  const pool = vpsie.cloud.addPool('cluster-1', 'old-pool', size?.id ?? 0, clock.now())
  const machine = vpsie.orderMachine({ clusterID: 'cluster-1', poolID: pool.id })
  await world.view.follow(resources.nodes)
  const name = machine.hostname.toLowerCase()
  await until('its Node has registered', () => world.view.of(resources.nodes).get(name), {}, signal)
  return { machine, name, poolID: pool.id }
}

/** The objects of the Go autoscaler about that machine, as it left them. */
async function oldObjects({
  machine,
  name,
  poolID,
}: Awaited<ReturnType<typeof oldMachine>>): Promise<Stored[]> {
  const text = await readFile(`${root}test/cluster/predecessor/objects.yaml`, 'utf8')
  const all = parseAllDocuments(text).map((document) => document.toJS() as Stored)
  for (const object of all) {
    if (object.kind === 'VPSieNode')
      Object.assign(object.spec, {
        vpsieInstanceID: machine.id,
        vpsieNodeIdentifier: machine.identifier,
        vpsieGroupID: poolID,
        nodeName: name,
        ipAddress: machine.address,
      })
    if (object.kind === 'VPSieNode') Object.assign(object.status, { nodeName: name, hostname: name })
    if (object.kind === 'NodeGroup') Object.assign(object.spec, { kubernetesVersion: 'v1.34.1' })
  }
  return all.filter(({ kind }) => kind !== 'AutoscalerConfig')
}

// An installation of the Go autoscaler that leads, with one machine.
await apply(client, [vpsieSecret(world)], signal)
const old = await oldMachine()
await kubectlOutput(floor, ['apply', '-f', `${root}test/cluster/predecessor/crds.yaml`])
await kubectlOutput(floor, ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
const before = new Map<string, Stored>()
for (const { status, ...object } of await oldObjects(old)) {
  await kubectlOutput(floor, ['create', '-f', '-'], { stdin: JSON.stringify(object) })
  const path = pathOf(resourceOf(object), object.metadata.namespace, object.metadata.name)
  before.set(path, (await api.patch(`${path}/status`, { status })).body)
}
await kubectlOutput(floor, ['apply', '-f', `${root}test/cluster/predecessor/installation.yaml`])
const renew = () => ({
  holderIdentity: 'old-controller_1',
  leaseDurationSeconds: 15,
  acquireTime: toMicroTime(clock.now()),
  renewTime: toMicroTime(clock.now()),
  leaseTransitions: 1,
})
await client.create(resources.leases, { metadata: lease, spec: renew() } as never, signal)

const guide = await openGuide(world, 'upgrade.md')
/** Runs the step of the guide with that number. */
const step = (number: number) => guide.run(`${number}. `)

t.test('1 to 4: the old controller and its webhooks go, and nothing else', async (t) => {
  for (const number of [1, 2, 3, 4]) {
    const { code, output } = await step(number)
    t.equal(code, 0, `${number}: ${output}`)
  }
  const left = await kubectlOutput(floor, ['get', 'validatingwebhookconfigurations', '-o', 'name'])
  t.equal(left, '', 'no webhook is left')
  t.equal(liveMachines(world).length, 1)
})

t.test('5: while the old leader goes on holding the lease ours waits, and then takes over', async (t) => {
  let isAlive = true
  const renewing = (async () => {
    while (isAlive) {
      await client.patch(resources.leases, lease, { spec: renew() }, {}, signal)
      await clock.sleep(1000, signal)
    }
  })()
  const { code, output } = await step(5)
  t.equal(code, 0, output)
  await world.view.follow(resources.nodeGroups, resources.vpsieNodes, resources.events)
  const waiting = () =>
    world.programs
      .list('controller')
      .filter(({ program }) => program.lines.some((line) => line.includes('held by old-controller_1')))
  await until('both controllers wait for the lease', () => waiting().length === 2, {}, signal)
  t.equal((await step(6)).code, 1, 'doctor refuses while another holds the lease')
  isAlive = false
  await renewing
  await client.patch(resources.leases, lease, { spec: { holderIdentity: '' } }, {}, signal)
  await leaderOf(world)
})

t.test('its machine and its objects are adopted: none is replaced, doubled or deleted', async (t) => {
  const claim = await until(
    'the claim is looked after',
    () =>
      world.view.of(resources.vpsieNodes).get('kube-system/old-1')?.status?.phase === 'Ready' &&
      world.view.of(resources.vpsieNodes).get('kube-system/old-1'),
    {},
    signal,
  )
  t.equal(claim.spec.vpsieNodeIdentifier, old.machine.identifier)
  await until(
    'the NodeGroup counts it',
    () => world.view.of(resources.nodeGroups).get('kube-system/old')?.status?.readyNodes === 1,
    {},
    signal,
  )
  t.equal(machines(world).length, 1, 'no machine was ordered')
  t.equal(liveMachines(world).length, 1, 'and none deleted')
  for (const [path, stored] of before) {
    const { body } = await api.get(path)
    t.equal(body.metadata.uid, stored.metadata.uid)
    t.strictSame(body.metadata.finalizers, stored.metadata.finalizers)
    t.match(body.spec, stored.spec, `${path} has lost nothing`)
  }
})

t.test('6: doctor finds nothing that fails', async (t) => {
  const { code, output } = await until(
    'the installation is sound',
    async () => {
      const result = await step(6)
      return (result.code === 0 || result.output.includes('certificate')) && result
    },
    { withinMs: 60_000 },
    signal,
  )
  t.equal(code, 0, output)
})

t.test('7: fields that had no effect are told, and have one only after they are taken up', async (t) => {
  const group = () => world.view.of(resources.nodeGroups).get('kube-system/old')
  const messageOf = () => group()?.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? ''
  await until(
    'the condition names them',
    () => messageOf().includes('costOptimization'),
    { seen: messageOf },
    signal,
  )
  const { code, output } = await step(7)
  t.equal(code, 0, output)
  await until(
    'nothing is without effect any more',
    () => !messageOf().includes('costOptimization'),
    { seen: messageOf },
    signal,
  )
  t.equal(liveMachines(world).length, 1)
})

t.test('8: what is left over can be cleaned up', async (t) => {
  const { code, output } = await step(8)
  t.equal(code, 0, output)
})
