import { systemClock as clock } from '../../../common/clock.ts'
import type { KubeClient } from '../../../common/kube/client.ts'
import { connect } from '../../../common/kube/connect.ts'
import type { KubeObject } from '../../../common/kube/objects.ts'
import { resources } from '../../../common/kube/resources.ts'
import { createLogger } from '../../../common/log.ts'
import { readCluster } from '../../../controller/decide/cluster.ts'
import { objections } from '../../../controller/decide/fit/fit.ts'
import { inParallel } from '../../../controller/nodes/drain.ts'
import { resourceOf } from '../../fixtures/apply.ts'
import { clusterState, decidedAt, decisionOptions } from '../../fixtures/state.ts'
import { createView, type View } from '../../fixtures/view.ts'
import { until } from '../../fixtures/wait.ts'
import { serviceAccounts } from '../../floors/floor.ts'
import { openRealFloor } from '../../floors/real.ts'
import { type Case, caseOf } from './cases.ts'

export interface Comparison {
  placed: number
  refused: number
  /** One text for each, with the seed and what either side says. */
  disagreements: string[]
}

interface Deps {
  client: KubeClient
  view: View
  signal: AbortSignal
}

/** Brings the cases of some seeds up on one control plane, and lets their pods have their turn one after the other. */
export async function compare(
  first: number,
  last: number,
  tell: (line: string) => void,
): Promise<Comparison> {
  const life = new AbortController()
  const { signal } = life
  // Nobody speaks for these nodes: they are ready as they were made.
  const floor = await openRealFloor(tell, signal, { nodeGraceSeconds: 3600 })
  try {
    const log = createLogger({ level: 'error', format: 'text', component: 'test' })
    const client = connect({ clock }, { kubeconfig: floor.adminKubeconfig })
    const deps = { client, view: createView({ client, clock, log }, signal), signal }
    const cases = Array.from({ length: last - first + 1 }, (_, i) => caseOf(first + i))
    await inParallel(cases, 12, (one) => bringUp(deps, one))
    await whenUp(deps, cases)
    const result: Comparison = { placed: 0, refused: 0, disagreements: [] }
    for (const one of cases) await compareOne(deps, one, result)
    return result
  } finally {
    life.abort(new DOMException('the comparison ends', 'AbortError'))
    await floor.stop()
  }
}

async function compareOne(deps: Deps, one: Case, result: Comparison): Promise<void> {
  const { client, view, signal } = deps
  const ours = ourVerdict(deps, one)
  const theirs = await theirVerdict(deps, one)
  const fitting = [...ours].filter(([, reasons]) => reasons.length === 0).map(([node]) => node)
  if (theirs.node) result.placed++
  else result.refused++
  if (theirs.node ? !fitting.includes(theirs.node) : fitting.length > 0) {
    const told = [...ours].map(([node, reasons]) => `${node}: ${reasons.join('; ') || 'fits'}`).join('\n    ')
    result.disagreements.push(
      `seed ${one.seed}: kube-scheduler says ${theirs.node ?? theirs.message}\n    ${told}`,
    )
  }
  // What it was given is taken away again, so that a case can be replayed alone.
  const name = { namespace: `case-${one.seed}`, name: 'probe' }
  await client.delete(resources.pods, name, { gracePeriodSeconds: 0 }, signal)
  const isGone = () => view.of(resources.pods).get(`${name.namespace}/probe`) === undefined
  await until('its pod is gone', isGone, {}, signal)
}

/** Makes everything of a case; its pod waits behind a gate. */
async function bringUp({ client, signal }: Deps, one: Case): Promise<void> {
  const create = (object: KubeObject) => client.create(resourceOf(object), object, signal)
  for (const object of [...one.namespaces, ...one.storageClasses, ...one.persistentVolumes])
    await create(object)
  for (const { metadata } of one.namespaces) {
    const name = { namespace: metadata.name, name: 'default' }
    await until('its account is there', () => client.get(serviceAccounts, name, signal), {}, signal)
  }
  for (const object of [...one.nodes, ...one.csiNodes, ...one.claims]) await create(object)
  for (const object of [...one.residents, one.probe]) await create(object)
}

/** Nodes have lost the taint of those that are not ready yet, claims are bound, and all of it is seen. */
async function whenUp({ view, signal }: Deps, cases: readonly Case[]): Promise<void> {
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
  const waiting = () => cases.filter((one) => !isUp(view, one))
  const seen = () => `${waiting().length} cases are not up, that of seed ${waiting()[0]?.seed} among them`
  await until('all cases are up', () => waiting().length === 0, { withinMs: 60_000, seen }, signal)
}

function isUp(view: View, { seed, nodes, claims, residents }: Case): boolean {
  const pods = view.of(resources.pods)
  return (
    nodes.every(({ metadata, spec }) => {
      const found = view.of(resources.nodes).get(metadata.name)
      const taints = (found?.spec?.taints ?? []).filter(
        ({ key }) => key !== 'node.kubernetes.io/unschedulable',
      )
      return found && taints.length === (spec?.taints ?? []).length
    }) &&
    claims
      .filter(({ spec }) => spec.volumeName)
      .every(({ metadata }) => {
        const claim = view.of(resources.persistentVolumeClaims).get(`${metadata.namespace}/${metadata.name}`)
        return (claim as { status?: { phase?: string } } | undefined)?.status?.phase === 'Bound'
      }) &&
    residents.every(({ metadata }) => pods.get(`${metadata.namespace}/${metadata.name}`)) &&
    pods.get(`case-${seed}/probe`) !== undefined
  )
}

/** What each node of the case says to the pod, by everything there is at this moment. */
function ourVerdict({ view }: Deps, { seed, nodes }: Case): Map<string, string[]> {
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
      const reasons = objections(world.classOf(probe), bin, world)
      return [name, reasons.map(({ code, message }) => `${code}: ${message}`)]
    }),
  )
}

/** Takes the gate away and waits until the pod is bound, a node is chosen for its volume, or it is refused. */
async function theirVerdict(
  { client, view, signal }: Deps,
  { seed, claims }: Case,
): Promise<{ node?: string; message?: string }> {
  const name = { namespace: `case-${seed}`, name: 'probe' }
  await client.patch(resources.pods, name, { spec: { schedulingGates: null } }, {}, signal)
  const chosen = () =>
    claims
      .map(({ metadata }) =>
        view.of(resources.persistentVolumeClaims).get(`${metadata.namespace}/${metadata.name}`),
      )
      .map((claim) => claim?.metadata.annotations?.['volume.kubernetes.io/selected-node'])
      .find((node) => node !== undefined)
  return until(
    `the scheduler looks at the pod of seed ${seed}`,
    () => {
      const pod = view.of(resources.pods).get(`${name.namespace}/probe`)
      const node = pod?.spec.nodeName ?? chosen()
      if (node) return { node }
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
