import { join } from 'node:path'
import { systemClock as clock } from '../../common/clock.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import { connect } from '../../common/kube/connect.ts'
import type { Secret } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { createLogger } from '../../common/log.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { createView, type View } from '../fixtures/view.ts'
import type { Floor } from '../floors/floor.ts'
import { type Fleet, startFleet } from '../simulators/fleet/fleet.ts'
import { startKubelets } from '../simulators/fleet/kubelets.ts'
import { startVPSie, type VPSieSimulator } from '../simulators/vpsie/simulator.ts'
import { type Collected, collectMetrics } from './collector.ts'
import { createPrograms, isOurs, type Programs } from './programs.ts'

/** Where the story plays: a Kubernetes, a VPSie, a fleet, and our programs. */
export interface World {
  floor: Floor
  vpsie: VPSieSimulator
  fleet: Fleet
  /** As `admin`. */
  client: KubeClient
  view: View
  programs: Programs
  /** Of all programs, since the world began. */
  metrics: Collected
  /** For files of the story; goes with it. */
  folder: string
  signal: AbortSignal
  stop(): Promise<void>
}

export interface WorldOptions {
  /** Milliseconds until a change of a Secret or ConfigMap is in a pod's files. Default 0. */
  mountDelayMs?: () => number
}

// How long things take at VPSie and on a node: short, but not nothing.
const bootMs = 800
const deleteMs = 500
const startMs = 100
const stopMs = 600
const probeMs = 500

/** Brings VPSie and its machines up on a floor, with nothing of ours on them yet. The world closes the floor. */
export async function createWorld(
  floor: Floor,
  { mountDelayMs = () => 0 }: WorldOptions = {},
): Promise<World> {
  const life = new AbortController()
  const { signal } = life
  const folder = await temporaryFolder('vpsie-story-')
  const log = createLogger({ level: 'error', format: 'text', component: 'story' })
  const vpsie = await startVPSie({ bootMs, deleteMs, clock })
  const client = connect({ clock }, { kubeconfig: floor.adminKubeconfig })
  const view = createView({ client, clock, log }, signal)

  const kubelets = new Map<string, Promise<KubeClient>>()
  const kubelet = (name: string) => {
    const known =
      kubelets.get(name) ??
      floor.kubeconfigOf(`system:node:${name}`).then((kubeconfig) => connect({ clock }, { kubeconfig }))
    kubelets.set(name, known)
    return known
  }
  const procs = join(folder.path, 'proc')
  const programs = await createPrograms(
    {
      floor,
      client,
      log,
      folder: join(folder.path, 'pods'),
      procOf: (node) => join(procs, node),
      mountDelayMs,
      vpsieCAFile: vpsie.caFile,
    },
    signal,
  )
  startKubelets(
    { pods: view.of(resources.pods), nodes: view.of(resources.nodes), clock, log, kubelet },
    {
      runs: (pod) => floor.leavesToKubelets === 'all pods' || isOurs(pod),
      startMs,
      stopMs,
      probeMs,
      start: programs.start,
      stop: programs.stop,
    },
    signal,
  )
  const fleet = startFleet(
    { vpsie, clock, log, kubelet, admin: client },
    { folder: procs, readyMs: 200, heartbeatMs: 5_000 },
  )

  return {
    floor,
    vpsie,
    fleet,
    client,
    view,
    programs,
    metrics: collectMetrics(programs, signal),
    folder: folder.path,
    signal,
    async stop() {
      await programs.stopAll()
      life.abort(new DOMException('the story has ended', 'AbortError'))
      await fleet.stop()
      await vpsie.stop()
      await floor.stop()
      await folder.remove()
    },
  }
}

/** The credentials Secret, and what trusts the simulated VPSie. */
export function vpsieSecret({ vpsie }: Pick<World, 'vpsie'>): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'vpsie-secret', namespace: 'kube-system' },
    data: vpsie.secretData('client'),
  }
}
