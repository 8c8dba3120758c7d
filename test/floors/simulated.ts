import { systemClock as clock } from '../../common/clock.ts'
import { startDaemonSets } from '../simulators/kubernetes/controllers/daemonsets.ts'
import { startDeployments } from '../simulators/kubernetes/controllers/deployments.ts'
import { startDisruption } from '../simulators/kubernetes/controllers/disruption.ts'
import { startGarbageCollection } from '../simulators/kubernetes/controllers/garbage.ts'
import { startJobs } from '../simulators/kubernetes/controllers/jobs.ts'
import { startNodeLifecycle } from '../simulators/kubernetes/controllers/node-lifecycle.ts'
import { startScheduler } from '../simulators/kubernetes/controllers/scheduler.ts'
import { type KubernetesSimulator, startKubernetes } from '../simulators/kubernetes/simulator.ts'
import type { Floor } from './floor.ts'

/** The simulator as a floor; a test that is about the simulator itself reaches it by `sim`. */
export interface SimulatedFloor extends Floor {
  readonly sim: KubernetesSimulator
}

/** Starts the simulated API server with all simulated controllers. */
export async function openSimulatedFloor(): Promise<SimulatedFloor> {
  const life = new AbortController()
  const { signal } = life
  const sim = await startKubernetes({ clock })
  const deps = { store: sim.store, clock }
  startDeployments(deps, signal)
  startDaemonSets(deps, signal)
  startJobs(deps, signal)
  startScheduler(deps, signal)
  startDisruption(deps, signal)
  startGarbageCollection(deps, signal)
  startNodeLifecycle(deps, {}, signal)
  return {
    kind: 'simulated',
    leavesToKubelets: 'all pods',
    sim,
    url: sim.url,
    ca: sim.ca,
    adminToken: sim.users.tokenOf('admin'),
    adminKubeconfig: sim.adminKubeconfig,
    kubeconfigOf: sim.kubeconfigOf,
    route: async (service, address) => sim.route(service, address),
    restart: sim.restart,
    lastLines: () => '',
    async stop() {
      life.abort(new DOMException('the floor is closed', 'AbortError'))
      await sim.stop()
    },
  }
}
