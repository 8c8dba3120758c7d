import type { NodeGroup } from '../../common/api/nodegroup.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { KubeObject, Node, Pod } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { call } from '../fixtures/http.ts'
import { until } from '../fixtures/wait.ts'
import type { PodProcess } from './programs.ts'
import type { World } from './world.ts'

/** One series of a program's /metrics; undefined if it has none with these labels. */
export async function metric(
  { ports }: PodProcess,
  name: string,
  labels: Record<string, string> = {},
): Promise<number | undefined> {
  const port = ports.metrics ?? ports.health ?? 0
  const { body } = await call({ port, path: '/metrics' })
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
  for (const line of body.split('\n')) {
    const [, found = '', set = '', value] = /^vpsie_autoscaler_(\w+?)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (found === name && wanted.every((pair) => set.split(',').includes(pair))) return Number(value)
  }
  return undefined
}

/** The controller that leads, and the one that stands by. */
export async function leaderOf({
  programs,
  signal,
}: World): Promise<{ leader: PodProcess; others: PodProcess[] }> {
  const controllers = () => programs.list('controller').filter(({ program }) => !program.hasExited)
  const leader = await until(
    'a controller leads',
    async () => {
      for (const each of controllers()) if ((await metric(each, 'leader')) === 1) return each
      return undefined
    },
    {},
    signal,
  )
  return { leader, others: controllers().filter((each) => each !== leader) }
}

export const workers = (world: World): Node[] =>
  world.view
    .list(resources.nodes)
    .filter(({ metadata }) => metadata.labels?.['autoscaler.vpsie.com/managed'] === 'true')

export const claims = (world: World): readonly VPSieNode[] => world.view.list(resources.vpsieNodes)

export const podsOf = (world: World, app: string): Pod[] =>
  world.view
    .list(resources.pods)
    .filter(({ metadata }) => metadata.namespace === 'default' && metadata.labels?.app === app)

export const isRunning = ({ status, metadata }: Pod): boolean =>
  status?.phase === 'Running' && !metadata.deletionTimestamp

/** Machines of VPSie that are not those of the control plane. */
export const machines = ({ vpsie }: World) => vpsie.machines.filter(({ role }) => role === 'slave')
export const liveMachines = (world: World) => machines(world).filter(({ state }) => state !== 'deleted')

/** Throws until it is there. */
export function nodeGroup(world: World): NodeGroup {
  const found = world.view.of(resources.nodeGroups).get('kube-system/workers')
  if (!found) throw new Error('NodeGroup workers is not there')
  return found
}

export interface Event extends KubeObject {
  reason: string
  message: string
  involvedObject: { kind: string; name: string; uid?: string }
}

export const events = (world: World, reason: string): Event[] =>
  (world.view.list(resources.events) as readonly Event[]).filter((event) => event.reason === reason)

/** A Deployment of one shape. */
export function deployment(app: string, replicas: number, cpu: string, memory: string): KubeObject {
  const labels = { app }
  const container = { name: 'main', image: `${app}:1`, resources: { requests: { cpu, memory } } }
  const spec = {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [container], terminationGracePeriodSeconds: 5 } },
  }
  return Object.assign(
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: app, namespace: 'default' } },
    { spec },
  )
}

const deployments = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced: true }

/** Changes how many pods a Deployment has. */
export async function scale({ client, signal }: World, app: string, replicas: number): Promise<void> {
  await client.patch(deployments, { namespace: 'default', name: app }, { spec: { replicas } }, {}, signal)
}

/** Waits until all pods of the apps run, and gives them. */
export function allRun(world: World, apps: Record<string, number>, withinMs = 30_000): Promise<Pod[]> {
  const running = () => Object.keys(apps).flatMap((app) => podsOf(world, app).filter(isRunning))
  const isComplete = () =>
    Object.entries(apps).every(
      ([app, count]) =>
        podsOf(world, app).filter(isRunning).length === count && podsOf(world, app).length === count,
    )
  const seen = () =>
    `${running().length} of ${Object.values(apps).reduce((a, b) => a + b, 0)} pods run; ${nodeGroup(world).status?.lastDecision ?? ''}`
  return until('all pods run', () => isComplete() && running(), { withinMs, seen }, world.signal)
}

/** Every machine has one ready claim and one ready Node, and nothing is on its way. */
export function settled(world: World, withinMs = 30_000): Promise<true> {
  const seen = () =>
    `${liveMachines(world).length} machines, claims ${claims(world).map(({ status }) => status?.phase ?? 'new')}, ${workers(world).length} nodes`
  return until(
    'every machine has its claim and its node',
    () =>
      liveMachines(world).length === claims(world).length &&
      workers(world).length === claims(world).length &&
      claims(world).every(({ status }) => status?.phase === 'Ready'),
    { withinMs, seen },
    world.signal,
  )
}

/** Waits until whoever reads the metrics has found a series above zero that is so for a moment only. */
export async function isSeen({ metrics }: World, series: string, signal: AbortSignal): Promise<void> {
  await until(`${series} is above zero`, () => metrics.set.has(series), {}, signal)
}
