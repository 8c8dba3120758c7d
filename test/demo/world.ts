import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock as clock } from '../../common/clock.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import { connect } from '../../common/kube/connect.ts'
import type { Secret } from '../../common/kube/objects.ts'
import { createLogger } from '../../common/log.ts'
import { type Fleet, startFleet } from '../simulators/fleet/fleet.ts'
import { startDaemonSets } from '../simulators/kubernetes/controllers/daemonsets.ts'
import { startDeployments } from '../simulators/kubernetes/controllers/deployments.ts'
import { startDisruption } from '../simulators/kubernetes/controllers/disruption.ts'
import { startGarbageCollection } from '../simulators/kubernetes/controllers/garbage.ts'
import { startKubelets } from '../simulators/kubernetes/controllers/kubelets.ts'
import { startNodeLifecycle } from '../simulators/kubernetes/controllers/node-lifecycle.ts'
import { startScheduler } from '../simulators/kubernetes/controllers/scheduler.ts'
import { type KubernetesSimulator, startKubernetes } from '../simulators/kubernetes/simulator.ts'
import { startVPSie, type VPSieSimulator } from '../simulators/vpsie/simulator.ts'
import { createPrograms, type Programs } from './programs.ts'

/** Where the story plays: a Kubernetes, a VPSie, a fleet, and our programs. */
export interface World {
  sim: KubernetesSimulator
  vpsie: VPSieSimulator
  fleet: Fleet
  /** As `admin`. */
  client: KubeClient
  programs: Programs
  signal: AbortSignal
  stop(): Promise<void>
}

// How long things take at VPSie and on a node: short, but not nothing.
const bootMs = 800
const deleteMs = 500
const startMs = 100
const stopMs = 600

/** Brings Kubernetes and VPSie up, with nothing of ours on them yet. */
export async function createWorld(): Promise<World> {
  const life = new AbortController()
  const { signal } = life
  const folder = await mkdtemp(join(tmpdir(), 'vpsie-story-'))
  const log = createLogger({ level: 'error', format: 'text', component: 'story' })
  const sim = await startKubernetes({ clock })
  const vpsie = await startVPSie({ bootMs, deleteMs, clock })
  const client = connect({ log, clock }, { kubeconfig: sim.adminKubeconfig })

  const kubelets = new Map<string, Promise<KubeClient>>()
  const kubelet = (name: string) => {
    const known =
      kubelets.get(name) ??
      sim.kubeconfigOf(`system:node:${name}`).then((kubeconfig) => connect({ log, clock }, { kubeconfig }))
    kubelets.set(name, known)
    return known
  }
  const procs = join(folder, 'proc')
  const programs = await createPrograms(
    {
      sim,
      client,
      log,
      folder: join(folder, 'pods'),
      procOf: (node) => join(procs, node),
      vpsieCAFile: vpsie.caFile,
    },
    signal,
  )
  const deps = { store: sim.store, clock }
  startDeployments(deps, signal)
  startDaemonSets(deps, signal)
  startScheduler(deps, signal)
  startDisruption(deps, signal)
  startGarbageCollection(deps, signal)
  startNodeLifecycle(deps, {}, signal)
  startKubelets(deps, { startMs, stopMs, onStart: programs.start, onStop: programs.stop }, signal)
  const fleet = startFleet({ vpsie, clock, kubelet }, { folder: procs, readyMs: 200, heartbeatMs: 5_000 })

  return {
    sim,
    vpsie,
    fleet,
    client,
    programs,
    signal,
    async stop() {
      await programs.stopAll()
      life.abort(new DOMException('the story has ended', 'AbortError'))
      await fleet.stop()
      await vpsie.stop()
      await sim.stop()
      await rm(folder, { recursive: true, force: true })
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
