import type {
  Container,
  DaemonSet,
  Node,
  ObjectMeta,
  Pod,
  PodSpec,
  Workload,
} from '../../common/kube/objects.ts'

/**
 * What a decision never reads is dropped before an object enters a cache: that is most of a pod (environment,
 * mounts, images, managed fields), and the reason why memory grows slowly with the cluster.
 */
export function trimPod(pod: Pod): Pod {
  const { phase, conditions, startTime, nominatedNodeName } = pod.status ?? {}
  return {
    ...kindOf(pod),
    metadata: trimMeta(pod.metadata),
    spec: trimPodSpec(pod.spec),
    status: {
      ...(phase ? { phase } : {}),
      ...(conditions
        ? { conditions: conditions.filter(({ type }) => type === 'PodScheduled' || type === 'Ready') }
        : {}),
      ...(startTime ? { startTime } : {}),
      ...(nominatedNodeName ? { nominatedNodeName } : {}),
    },
  }
}

/** Keeps a Node's identity, taints, resources and conditions; drops its image list. */
export function trimNode(node: Node): Node {
  const { capacity, allocatable, conditions, addresses, nodeInfo } = node.status ?? {}
  return {
    ...kindOf(node),
    metadata: trimMeta(node.metadata),
    ...(node.spec ? { spec: node.spec } : {}),
    status: {
      ...(capacity ? { capacity } : {}),
      ...(allocatable ? { allocatable } : {}),
      ...(conditions ? { conditions } : {}),
      ...(addresses ? { addresses } : {}),
      ...(nodeInfo ? { nodeInfo } : {}),
    },
  }
}

/** Keeps selector, replica counts and the scheduling part of the pod template. */
export function trimWorkload<T extends Workload | DaemonSet>(workload: T): T {
  const spec = workload.spec as Workload['spec'] & Partial<DaemonSet['spec']>
  const { replicas, parallelism, selector, template } = spec
  return {
    ...kindOf(workload),
    metadata: trimMeta(workload.metadata),
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      ...(parallelism === undefined ? {} : { parallelism }),
      ...(selector ? { selector } : {}),
      ...(template
        ? {
            template: {
              metadata: { labels: template.metadata?.labels ?? {} },
              spec: trimPodSpec(template.spec),
            },
          }
        : {}),
    },
  } as T
}

function kindOf({ apiVersion, kind }: { apiVersion?: string; kind?: string }): {
  apiVersion?: string
  kind?: string
} {
  return { ...(apiVersion ? { apiVersion } : {}), ...(kind ? { kind } : {}) }
}

function trimMeta(meta: ObjectMeta): ObjectMeta {
  const {
    managedFields: _,
    selfLink: __,
    ...kept
  } = meta as ObjectMeta & { managedFields?: unknown; selfLink?: unknown }
  if (!kept.annotations?.[lastApplied]) return kept
  const { [lastApplied]: ___, ...annotations } = kept.annotations
  return { ...kept, annotations }
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

function trimPodSpec(spec: PodSpec): PodSpec {
  const { containers, initContainers, ...rest } = spec
  return {
    ...rest,
    containers: containers.map(trimContainer),
    ...(initContainers ? { initContainers: initContainers.map(trimContainer) } : {}),
  }
}

function trimContainer({ name, resources, ports, restartPolicy }: Container): Container {
  return {
    name,
    ...(resources ? { resources } : {}),
    ...(ports ? { ports } : {}),
    ...(restartPolicy ? { restartPolicy } : {}),
  }
}
