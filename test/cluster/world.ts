import type { Test } from 'tap'
import { comeUp } from '../demo/steps/come-up.ts'
import { createWorld, type World, type WorldOptions } from '../demo/world.ts'
import { openRealFloor, type RealFloor } from '../floors/real.ts'

export interface ClusterWorld extends World {
  floor: RealFloor
}

/** A real control plane with VPSie and its machines, and nothing of ours yet. Ends with the test. */
export async function emptyWorld(t: Test, options: WorldOptions = {}): Promise<ClusterWorld> {
  const floor = await openRealFloor((line) => t.comment(line), new AbortController().signal)
  const world = { ...(await createWorld(floor, options)), floor }
  t.teardown(() => world.stop())
  return world
}

/** The same with manifests/base applied and all programs ready. */
export async function runningWorld(t: Test, options: WorldOptions = {}): Promise<ClusterWorld> {
  const world = await emptyWorld(t, options)
  await comeUp.run(world, (line) => t.comment(line), world.signal)
  return world
}

/** A NodeGroup as a person writes one. */
export function workersGroup(spec: object = {}, name = 'workers') {
  return {
    apiVersion: 'autoscaler.vpsie.com/v1alpha1',
    kind: 'NodeGroup',
    metadata: { name, namespace: 'kube-system', labels: { 'autoscaler.vpsie.com/managed': 'true' } },
    spec: {
      minNodes: 0,
      maxNodes: 10,
      datacenterID: 'dc-1',
      resourceIdentifier: 'cluster-1',
      project: 'project-1',
      kubernetesVersion: 'v1.34.1',
      offeringIDs: ['small', 'medium', 'large'],
      scaleUpPolicy: { enabled: true, stabilizationWindowSeconds: 0 },
      scaleDownPolicy: { enabled: true, stabilizationWindowSeconds: 4, cooldownSeconds: 0 },
      disruption: { maxUnavailable: '100%', minNodeAgeSeconds: 0 },
      ...spec,
    },
  }
}
