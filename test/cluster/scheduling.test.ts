import t from 'tap'
import { systemClock as clock } from '../../common/clock.ts'
import { connect } from '../../common/kube/connect.ts'
import type { KubeObject, Pod } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { createLogger } from '../../common/log.ts'
import { readCluster } from '../../controller/decide/cluster.ts'
import { objections } from '../../controller/decide/fit/fit.ts'
import { resourceOf } from '../fixtures/apply.ts'
import { clusterState, decidedAt, decisionOptions } from '../fixtures/state.ts'
import { createView } from '../fixtures/view.ts'
import { until } from '../fixtures/wait.ts'
import { openRealFloor } from '../floors/real.ts'
import { type Case, caseOf } from './scheduling/cases.ts'

/*
 * Our verdict and kube-scheduler's about the same pods: each case is a small random cluster. All of them stand side by
 * side in one, and the pods in question get their turn one after the other. `SEED=n CASES=1` replays one.
 */

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
const count = Number(process.env.CASES ?? 100)
const life = new AbortController()
const { signal } = life
// Nobody speaks for these nodes: they are ready as they were made.
const floor = await openRealFloor((line) => t.comment(line), signal, { nodeGraceSeconds: 3600 })
t.teardown(() => {
  life.abort()
  return floor.stop()
})
const log = createLogger({ level: 'error', format: 'text', component: 'test' })
const client = connect({ log, clock }, { kubeconfig: floor.adminKubeconfig })
const view = createView({ client, clock, log }, signal)
t.setTimeout(280_000)
const cases = Array.from({ length: count }, (_, i) => caseOf(seed + i))

t.comment(`${count} cases from seed ${seed}`)
await inParallel(cases, 12, bringUp)
const unready = () => cases.filter((one) => !isReady(one))
const seen = () => `${unready().length} cases are not, that of seed ${unready()[0]?.seed} among them`
const isUp = () => unready().length === 0
await until('nodes are as they were made', isUp, { withinMs: 60_000, seen }, signal)
const { pods, nodes, namespaces, csiNodes, storageClasses, persistentVolumes, persistentVolumeClaims } =
  resources
await view.follow(
  pods,
  nodes,
  namespaces,
  csiNodes,
  storageClasses,
  persistentVolumes,
  persistentVolumeClaims,
)

const disagreements: string[] = []
const verdicts = { placed: 0, refused: 0 }
for (const one of cases) {
  const expected = ourVerdict(one)
  const real = await theirVerdict(one)
  const feasible = [...expected].filter(([, reasons]) => reasons.length === 0).map(([node]) => node)
  if (real.node) verdicts.placed++
  else verdicts.refused++
  const agrees = real.node ? feasible.includes(real.node) : feasible.length === 0
  if (!agrees) {
    const ours = [...expected]
      .map(([node, reasons]) => `${node}: ${reasons.join('; ') || 'fits'}`)
      .join('\n    ')
    disagreements.push(`seed ${one.seed}: kube-scheduler says ${real.node ?? real.message}\n    ${ours}`)
  }
  // What it was given is taken away again, so that a case can be replayed alone.
  const name = { namespace: `case-${one.seed}`, name: 'probe' }
  await client.delete(resources.pods, name, { gracePeriodSeconds: 0 }, signal)
  const isGone = () => view.of(resources.pods).get(`${name.namespace}/probe`) === undefined
  await until('its pod is gone', isGone, {}, signal)
}

t.test(`kube-scheduler and we agree about ${count} pods`, async (t) => {
  t.comment(`${verdicts.placed} placed, ${verdicts.refused} refused, ${disagreements.length} disagreements`)
  t.same(disagreements, [])
  t.ok(
    count < 50 || (verdicts.placed > count / 5 && verdicts.refused > count / 5),
    'both verdicts are common',
  )
})

/** Makes everything of a case; its pod waits behind a gate. */
async function bringUp(one: Case): Promise<void> {
  const create = (object: KubeObject) => client.create(resourceOf(object), object, signal)
  for (const object of [...one.namespaces, ...one.storageClasses, ...one.persistentVolumes])
    await create(object)
  for (const { namespaces } of [one])
    await until(
      'its service accounts are there',
      async () => {
        const accounts = {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          plural: 'serviceaccounts',
          namespaced: true,
        }
        for (const { metadata } of namespaces)
          await client.get(accounts, { namespace: metadata.name, name: 'default' }, signal)
        return true
      },
      {},
      signal,
    )
  for (const object of [...one.nodes, ...one.csiNodes, ...one.claims]) await create(object)
  for (const object of [...one.residents, one.probe]) await create(object)
}

/** Without the taint that a node has until it is seen to be ready, and with its claims bound. */
function isReady({ nodes, claims }: Case): boolean {
  const bound = claims.filter(({ spec }) => spec.volumeName)
  return (
    nodes.every(({ metadata, spec }) => {
      const found = view.of(resources.nodes).get(metadata.name)
      const taints = (found?.spec?.taints ?? []).filter(
        ({ key }) => !key.startsWith('node.kubernetes.io/unschedulable'),
      )
      return found && taints.length === (spec?.taints ?? []).length
    }) &&
    bound.every(({ metadata }) => {
      const found = view.of(resources.persistentVolumeClaims).get(`${metadata.namespace}/${metadata.name}`)
      return (found as { status?: { phase?: string } } | undefined)?.status?.phase === 'Bound'
    })
  )
}

/** What each node of the case says to the pod, by everything the API server knows at this moment. */
function ourVerdict({ seed, nodes }: Case): Map<string, string[]> {
  const state = clusterState({
    nodes: view.list(resources.nodes),
    pods: view.list(resources.pods),
    persistentVolumeClaims: view.list(resources.persistentVolumeClaims),
    persistentVolumes: view.list(resources.persistentVolumes),
    storageClasses: view.list(resources.storageClasses),
    csiNodes: view.list(resources.csiNodes),
    namespaces: view.list(resources.namespaces),
    nodeGroups: [],
    offerings: [],
  })
  const { world, pods } = readCluster(state, decisionOptions(), decidedAt)
  const probe = pods.find(
    ({ metadata }) => metadata.namespace === `case-${seed}` && metadata.name === 'probe',
  )
  if (!probe) throw new Error(`the pod of seed ${seed} is gone`)
  return new Map(
    nodes.map(({ metadata: { name } }) => {
      const bin = world.bin(name)
      if (!bin) throw new Error(`node ${name} is gone`)
      return [
        name,
        objections(world.classOf(probe), bin, world).map(({ code, message }) => `${code}: ${message}`),
      ]
    }),
  )
}

/** Takes the gate away and waits until the scheduler has bound the pod, chosen a node for its volume, or refused it. */
async function theirVerdict({ seed, claims }: Case): Promise<{ node?: string; message?: string }> {
  const name = { namespace: `case-${seed}`, name: 'probe' }
  await client.patch(resources.pods, name, { spec: { schedulingGates: null } }, {}, signal)
  return until(
    `the scheduler looks at the pod of seed ${seed}`,
    () => {
      const pod = view.of(resources.pods).get(`${name.namespace}/probe`) as Pod | undefined
      if (pod?.spec.nodeName) return { node: pod.spec.nodeName }
      const chosen = claims
        .map(({ metadata }) =>
          view.of(resources.persistentVolumeClaims).get(`${metadata.namespace}/${metadata.name}`),
        )
        .map((claim) => claim?.metadata.annotations?.['volume.kubernetes.io/selected-node'])
        .find((node) => node !== undefined)
      if (chosen) return { node: chosen }
      const refused = pod?.status?.conditions?.find(
        ({ type, status, reason }) =>
          type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
      )
      return refused && { message: refused.message ?? '' }
    },
    {},
    signal,
  )
}

async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items]
  await Promise.all(
    Array.from({ length: limit }, async () => {
      for (let item = queue.shift(); item; item = queue.shift()) await work(item)
    }),
  )
}
