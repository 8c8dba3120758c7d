import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { agentMetrics } from '../../agent/metrics.ts'
import { startSampler } from '../../agent/sampler.ts'
import { labels, taints } from '../../common/api/names.ts'
import { nodeGroupSpec } from '../../common/api/nodegroup.ts'
import type { Node, Pod } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { patchStatus } from '../../common/kube/status.ts'
import { createMetrics, Registry } from '../../common/metrics.ts'
import { grow } from '../../controller/act/grow.ts'
import { removeNode } from '../../controller/act/remove.ts'
import { createUsageStore } from '../../controller/ingest/store.ts'
import { virtualClock } from '../fixtures/clock.ts'
import { controllerDeps, metricOf } from '../fixtures/controller.ts'
import { storeClient, storeOfOurs } from '../fixtures/kube-client.ts'
import { captureLog } from '../fixtures/log.ts'
import { boundPod, node, nodeGroup, vpsieNode } from '../fixtures/objects.ts'
import { report } from '../fixtures/report.ts'

/*
 * What a review found in the Go autoscaler. Each test is named by what cannot happen here.
 */

const signal = new AbortController().signal
const key = { namespace: 'kube-system', name: 'workers' }
const limits = { windowMs: 600_000, cpuPercent: 50, memoryPercent: 50 }

const storeOptions = { reportIntervalMs: 15_000, forgetAfterMs: 600_000, maxNodes: 100_000 }

t.test('a status update cannot be lost: who writes from an old version is told so', async (t) => {
  const store = storeOfOurs()
  const client = storeClient(store)
  const seen = store.create(resources.nodeGroups, nodeGroup())
  const version = { resourceVersion: seen.metadata.resourceVersion ?? '' }
  await patchStatus({ client }, resources.nodeGroups, key, { desiredNodes: 3 }, version, signal)
  await t.rejects(patchStatus({ client }, resources.nodeGroups, key, { desiredNodes: 1 }, version, signal), {
    code: 'Conflict',
  })
  await patchStatus({ client }, resources.nodeGroups, key, { readyNodes: 2 }, {}, signal)
  t.match(store.get(resources.nodeGroups, key).status, { desiredNodes: 3, readyNodes: 2 })
})

t.test('a status update cannot bring defaults back: false and 0 survive it', async (t) => {
  const store = storeOfOurs()
  const spec = { scaleDownPolicy: { enabled: false, cooldownSeconds: 0 } }
  store.create(resources.nodeGroups, nodeGroup('workers', { spec }))
  await patchStatus(
    { client: storeClient(store) },
    resources.nodeGroups,
    key,
    { desiredNodes: 0 },
    {},
    signal,
  )
  t.match(store.get(resources.nodeGroups, key), { ...{ spec }, status: { desiredNodes: 0 } })
})

t.test('a usage record that was handed out cannot change what is known', async (t) => {
  const usage = createUsageStore({ clock: virtualClock() }, storeOptions)
  usage.add(report())
  const first = usage.read('node-1', limits)
  Object.assign(first ?? {}, { cpuPercent: 99, coverage: 1, since: 0 })
  t.equal(usage.read('node-1', limits)?.cpuPercent, 10)
  t.not(usage.read('node-1', limits), usage.read('node-1', limits))
})

t.test('memory cannot grow with departed nodes', async (t) => {
  const clock = virtualClock()
  const usage = createUsageStore({ clock }, { ...storeOptions, reportIntervalMs: 600_000 })
  for (let i = 0; i < 10_000; i++) usage.add(report({ node: `node-${i}` }))
  const present = new Set(Array.from({ length: 10_000 }, (_, i) => `node-${i}`))
  usage.retain(present)
  await clock.advance(600_000)
  usage.retain(present)
  t.equal(usage.agents().length, 10_000, 'what exists is kept')
  usage.retain(new Set(['node-7']))
  await clock.advance(599_999)
  usage.retain(new Set(['node-7']))
  t.equal(usage.agents().length, 10_000, 'a Node that is gone for a moment is not forgotten')
  await clock.advance(1)
  usage.retain(new Set(['node-7']))
  t.same(
    usage.agents().map(({ node: name }) => name),
    ['node-7'],
  )
})

/** A node with one pod of a ReplicaSet, its claim, and a controller that has seen them. */
function removal(t: Parameters<typeof controllerDeps>[0], before?: Parameters<typeof storeClient>[1]) {
  const store = storeOfOurs()
  store.create('namespaces', { metadata: { name: 'default' } })
  const group = store.create(resources.nodeGroups, nodeGroup())
  const claim = store.create(resources.vpsieNodes, vpsieNode('node-1', { status: { nodeName: 'node-1' } }))
  const target = store.create<Node>(
    resources.nodes,
    node('node-1', { metadata: { labels: { [labels.vpsieNode]: 'node-1' } } }),
  )
  store.create<Pod>(resources.pods, boundPod('app-1', 'node-1'))
  const deps = controllerDeps(t, store, before)
  const isTainted = () =>
    store
      .get<Node>(resources.nodes, { name: 'node-1' })
      .spec?.taints?.some((taint) => taint.key === taints.disrupted) ?? false
  return { store, deps, claim, target, group, isTainted }
}

t.test('a refused scale-down and a failed safety check cannot go uncounted', async (t) => {
  // The second look keeps the node: its pod has nowhere else to go.
  const { store, deps, claim, target, isTainted } = removal(t)
  await removeNode(deps, target, claim, signal)
  t.notOk(isTainted(), 'the taint is taken off again')
  t.ok(
    store.find(resources.vpsieNodes, claim.metadata as { name: string; namespace: string }),
    'the claim stays',
  )
  t.equal(await metricOf(deps.metrics.safety_check_failures_total), 1)
  t.equal(await metricOf(deps.metrics.scale_down_errors_total), 1)
})

t.test('the clean-up of a drain cannot be skipped because its context was cancelled', async (t) => {
  const stop = new AbortController()
  const { store, deps, claim, target, isTainted } = removal(t, {
    before({ verb, plural }) {
      // The program is told to stop while the removal looks at the node's pods: the node is tainted by then.
      if (verb === 'list' && plural === 'pods') stop.abort(new DOMException('stopped', 'AbortError'))
    },
  })
  await removeNode(deps, target, claim, stop.signal)
  t.ok(stop.signal.aborted)
  t.notOk(isTainted(), 'the node is usable again')
  t.equal(
    store.get(resources.vpsieNodes, claim.metadata as { name: string; namespace: string }).metadata
      .deletionTimestamp,
    undefined,
  )
})

t.test(
  'two actors cannot race on one object: two leaders with one plan make each machine once',
  async (t) => {
    const store = storeOfOurs()
    const group = store.create(resources.nodeGroups, nodeGroup())
    const actions = [
      {
        type: 'create' as const,
        nodeGroup: 'kube-system/workers',
        offering: 'small',
        datacenter: 'dc-1',
        count: 3,
        monthlyCost: 60,
        reason: 'NewNode' as const,
      },
    ]
    const [one, two] = [controllerDeps(t, store), controllerDeps(t, store)]
    const made = await Promise.all([one, two].map((deps) => grow(deps, group, actions, 3, signal)))
    t.same(made.sort(), [0, 3], 'one of them is told that its plan is stale')
    t.equal(store.list(resources.vpsieNodes).length, 3)
    t.equal(store.get(resources.nodeGroups, key).status?.planGeneration, 1)
  },
)

t.test(
  'collection cannot go on without a time limit: a file that is never read ends its sample',
  async (t) => {
    const clock = virtualClock()
    const metrics = createMetrics(new Registry(), agentMetrics)
    const end = new AbortController()
    const read = () => new Promise<never>(() => undefined)
    startSampler({ clock, log: captureLog().log, metrics, read }, 5000, end.signal)
    await clock.advance(60_000)
    t.ok((await metricOf(metrics.agent_samples_total)) > 1, 'it was given up, counted, and the next one came')
    end.abort()
  },
)

t.test('cloud-init and SSH keys cannot be fixed in code: both are fields of a NodeGroup', async (t) => {
  const { cloudInit, sshKeyIDs } = nodeGroupSpec.properties
  t.same(Object.keys(cloudInit.properties).sort(), ['configMapRef', 'template', 'variables'])
  t.equal(sshKeyIDs.type, 'array')
  for (const folder of ['agent', 'certs', 'common', 'controller', 'webhook']) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue
      t.notMatch(
        readFileSync(`${folder}/${name}`, 'utf8'),
        /#cloud-config(\\n|\n)\s*[a-z_]+:|ssh-(rsa|ed25519) /,
        name,
      )
    }
  }
})
