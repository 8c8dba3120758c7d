import type { NodeGroup } from '../../../common/api/nodegroup.ts'
import type { Node, Pod, PodSpec } from '../../../common/kube/objects.ts'
import type { Offering } from '../../../controller/decide/state.ts'

const born = '2026-01-01T00:00:00Z'

export interface Size {
  cpu: string
  memory: string
  pods: number
}

/** A size whose nodes offer exactly this to pods. */
export function size(name: string, { cpu, memory, pods }: Size, monthlyPrice = 730): Offering {
  return {
    name,
    cpuMillicores: 0,
    memoryBytes: 0,
    diskBytes: 0,
    pods,
    monthlyPrice,
    available: true,
    extended: {},
    allocatable: { cpu, memory, pods: String(pods) },
  }
}

export function group(name: string, spec: Partial<NodeGroup['spec']>): NodeGroup {
  return {
    metadata: {
      name,
      namespace: 'kube-system',
      uid: `uid-of-${name}`,
      creationTimestamp: born,
      labels: { 'autoscaler.vpsie.com/managed': 'true' },
      annotations: { 'autoscaler.vpsie.com/adopt-settings': 'true' },
    },
    spec: {
      minNodes: 0,
      maxNodes: 10_000,
      datacenterID: 'zone',
      resourceIdentifier: 'cluster',
      project: 'project',
      kubernetesVersion: 'v1.34.1',
      offeringIDs: [],
      allowMixedInstances: true,
      disruption: { maxUnavailable: '100%', minNodeAgeSeconds: 0 },
      ...spec,
    },
  } as NodeGroup
}

/** A ready node of a group. `unneeded`: since so long that its window is over. */
export function node(name: string, offers: Size, of: { group?: string; unneeded?: boolean } = {}): Node {
  const { cpu, memory, pods } = offers
  return {
    metadata: {
      name,
      uid: `uid-of-${name}`,
      creationTimestamp: born,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        ...(of.group
          ? {
              'autoscaler.vpsie.com/managed': 'true',
              'autoscaler.vpsie.com/nodegroup': of.group,
              'autoscaler.vpsie.com/offering': of.group,
            }
          : {}),
      },
      ...(of.unneeded ? { annotations: { 'autoscaler.vpsie.com/unneeded-since': born } } : {}),
    },
    spec: {},
    status: {
      allocatable: { cpu, memory, pods: String(pods) },
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: born }],
    },
  } as Node
}

export interface PodShape {
  cpu: string
  memory: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  spec?: Partial<PodSpec>
}

/** A pod that the scheduler found no place for, or one that runs on a node. */
export function pod(name: string, shape: PodShape, nodeName?: string): Pod {
  const { cpu, memory, labels = {}, annotations, spec = {} } = shape
  const requests = { cpu, memory }
  const waiting = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', lastTransitionTime: born }
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-of-${name}`,
      creationTimestamp: born,
      labels,
      ...(annotations ? { annotations } : {}),
    },
    spec: {
      containers: [{ name: 'main', resources: { requests } }],
      ...spec,
      ...(nodeName ? { nodeName } : {}),
    },
    status: nodeName ? { phase: 'Running' } : { phase: 'Pending', conditions: [waiting] },
  } as Pod
}

/** `count` things made by their number. */
export function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
