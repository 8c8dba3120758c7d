import type {
  CSINode,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
  StorageClass,
  Taint,
  Toleration,
} from '../../../common/kube/objects.ts'
import { type Chance, chanceOf } from '../../fixtures/chance.ts'
import { affinityOf, apps, host, spaced, spreadsOf, zone } from './affinity.ts'
import { csiNodeOf, volumesOf } from './volumes.ts'

/** A small cluster of its own inside a big one: nodes, pods on them, volumes, and one pod that looks for a place. */
export interface Case {
  seed: number
  namespaces: Namespace[]
  nodes: Node[]
  csiNodes: CSINode[]
  storageClasses: StorageClass[]
  persistentVolumes: PersistentVolume[]
  claims: PersistentVolumeClaim[]
  /** Bound from the start. */
  residents: Pod[]
  probe: Pod
}

/** Keeps the probe back until its turn. */
const gate = 'example.com/turn'

/** The case of a seed. Its nodes are marked so that pods of other cases stay away, and its zones are its own. */
export function caseOf(seed: number): Case {
  const chance = chanceOf(seed)
  const name = `case-${seed}`
  const zones = [`${name}-a`, `${name}-b`, `${name}-c`]
  const nodes = Array.from({ length: 2 + chance.below(4) }, (_, i) =>
    nodeOf(chance, `${name}-${i}`, name, zones),
  )
  const spaces = [name, `${name}-other`]
  const residents = Array.from({ length: chance.below(8) }, (_, i) =>
    residentOf(chance, `resident-${i}`, chance.of(spaces), chance.of(nodes).metadata.name),
  )
  const volumes = volumesOf(chance, name, zones)
  const csiNodes = chance.happens(30) ? nodes.map((node) => csiNodeOf(chance, node)) : []
  return {
    seed,
    namespaces: spaces.map((each, i) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: each, labels: { case: name, team: i === 0 ? 'own' : 'other' } },
    })),
    nodes,
    csiNodes,
    residents,
    ...volumes,
    probe: probeOf(chance, name, zones, nodes, volumes.claims),
  }
}

function nodeOf(chance: Chance, name: string, of: string, zones: readonly string[]): Node {
  const taints: Taint[] = [{ key: 'case', value: of, effect: 'NoSchedule' }]
  if (chance.happens(25))
    taints.push({
      key: 'dedicated',
      value: chance.of(['a', 'b']),
      effect: chance.of(['NoSchedule', 'PreferNoSchedule']),
    })
  if (chance.happens(10)) taints.push({ key: 'flaky', effect: 'NoSchedule' })
  const labels: Record<string, string> = { [host]: name, case: of, size: String(chance.below(10)) }
  if (chance.happens(85)) labels[zone] = chance.of(zones)
  if (chance.happens(50)) labels.disk = chance.of(['ssd', 'hdd', ''])
  const amounts = {
    cpu: chance.of(['500m', '1', '2', '4']),
    memory: chance.of(['512Mi', '1Gi', '4Gi']),
    pods: String(chance.of([2, 3, 10, 20])),
    'ephemeral-storage': chance.of(['1Gi', '10Gi']),
    ...(chance.happens(30) ? { 'example.com/gpu': String(chance.of([1, 2])) } : {}),
  }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: { taints, ...(chance.happens(8) ? { unschedulable: true } : {}) },
    status: {
      capacity: amounts,
      allocatable: amounts,
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  } as Node
}

function residentOf(chance: Chance, name: string, namespace: string, nodeName: string): Pod {
  const term = {
    labelSelector: { matchLabels: { app: chance.of(apps) } },
    topologyKey: chance.of([host, zone]),
  }
  const far = { requiredDuringSchedulingIgnoredDuringExecution: [spaced(chance, term)] }
  const ports = chance.happens(20) ? [portOf(chance)] : []
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: labelsOf(chance) },
    spec: {
      nodeName,
      tolerations: [{ operator: 'Exists' }],
      containers: [{ name: 'main', image: 'x:1', ports, resources: { requests: requestsOf(chance, 3) } }],
      ...(chance.happens(20) ? { affinity: { podAntiAffinity: far } } : {}),
    },
  } as Pod
}

function labelsOf(chance: Chance): Record<string, string> {
  return { app: chance.of(apps), ...(chance.happens(40) ? { version: chance.of(['1', '2']) } : {}) }
}

function requestsOf(chance: Chance, share: number): Record<string, string> {
  return {
    ...(chance.happens(80) ? { cpu: `${Math.round(chance.of([100, 500, 900, 1500, 3000]) / share)}m` } : {}),
    ...(chance.happens(60) ? { memory: `${Math.round(chance.of([100, 400, 900, 3000]) / share)}Mi` } : {}),
    ...(chance.happens(10) ? { 'ephemeral-storage': chance.of(['100Mi', '2Gi']) } : {}),
  }
}

function portOf(chance: Chance) {
  return {
    containerPort: 80,
    hostPort: chance.of([8080, 8081]),
    protocol: chance.of(['TCP', 'TCP', 'UDP']),
    ...(chance.happens(40) ? { hostIP: chance.of(['127.0.0.1', '10.0.0.1', '0.0.0.0']) } : {}),
  }
}

function probeOf(
  chance: Chance,
  namespace: string,
  zones: readonly string[],
  nodes: readonly Node[],
  claims: readonly PersistentVolumeClaim[],
): Pod {
  const labels = labelsOf(chance)
  const own: PodSpec['containers'][number] = {
    name: 'main',
    image: 'x:1',
    ports: chance.happens(20) ? [portOf(chance)] : [],
    resources: chance.happens(15)
      ? { limits: requestsOf(chance, 1) }
      : { requests: { ...requestsOf(chance, 1), ...gpuOf(chance) }, limits: {} },
  }
  if (own.resources?.requests?.['example.com/gpu'])
    own.resources.limits = { 'example.com/gpu': own.resources.requests['example.com/gpu'] }
  const spec = {
    schedulingGates: [{ name: gate }],
    nodeSelector: { case: namespace, ...(chance.happens(15) ? { disk: chance.of(['ssd', 'hdd']) } : {}) },
    tolerations: tolerationsOf(chance, namespace),
    containers: [
      own,
      ...(chance.happens(20)
        ? [{ name: 'second', image: 'x:1', resources: { requests: requestsOf(chance, 3) } }]
        : []),
    ],
    ...(chance.happens(25) ? { initContainers: initContainersOf(chance) } : {}),
    affinity: affinityOf(chance, zones, nodes, labels),
    topologySpreadConstraints: chance.happens(35) ? spreadsOf(chance) : [],
    volumes:
      claims.length > 0 && chance.happens(70)
        ? [{ name: 'data', persistentVolumeClaim: { claimName: chance.of(claims).metadata.name } }]
        : [],
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe', namespace, labels },
    spec,
  } as unknown as Pod
}

function gpuOf(chance: Chance): Record<string, string> {
  return chance.happens(10) ? { 'example.com/gpu': '1' } : {}
}

function initContainersOf(chance: Chance): NonNullable<PodSpec['initContainers']> {
  return Array.from({ length: 1 + chance.below(2) }, (_, i) => ({
    name: `init-${i}`,
    image: 'x:1',
    resources: { requests: requestsOf(chance, chance.of([1, 2])) },
    ...(chance.happens(40) ? { restartPolicy: 'Always' as const } : {}),
  }))
}

function tolerationsOf(chance: Chance, value: string): Toleration[] {
  const own: Toleration = chance.happens(50)
    ? { key: 'case', operator: 'Exists' }
    : { key: 'case', operator: 'Equal', value, effect: 'NoSchedule' }
  const others: Toleration[] = [
    { key: 'dedicated', operator: 'Equal', value: 'a', effect: 'NoSchedule' },
    { key: 'dedicated', operator: 'Exists' },
    { key: 'dedicated', operator: 'Exists', effect: 'NoExecute' },
    { key: 'flaky', operator: 'Exists' },
    { operator: 'Exists', effect: 'NoSchedule' },
  ]
  return [own, ...chance.some(others, 2)]
}
