import type { DaemonSet, Pod, Toleration } from '../../common/kube/objects.ts'
import { admits } from './fit/fit.ts'
import type { Bin } from './shape/bins.ts'
import type { PodClass } from './shape/classes.ts'
import type { World } from './world.ts'

// What the DaemonSet controller adds to every pod (pkg/controller/daemon/util AddOrUpdateDaemonPodTolerations).
const added: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
]

/** The pod that a DaemonSet puts on each node it can. */
export function daemonPod({ metadata, spec }: DaemonSet): Pod {
  const { template } = spec
  const tolerations = [...(template.spec.tolerations ?? []), ...added]
  const meta = {
    name: `${metadata.name}-daemon`,
    namespace: metadata.namespace ?? '',
    labels: template.metadata?.labels ?? {},
  }
  return { metadata: meta, spec: { ...template.spec, tolerations } }
}

/** True for a pod that a DaemonSet made. */
export function isDaemon({ metadata }: Pod): boolean {
  return (
    metadata.ownerReferences?.some(({ controller, kind }) => controller === true && kind === 'DaemonSet') ??
    false
  )
}

/** Which DaemonSets will still put a pod into the bin: those that admit it and have none there. */
export function daemonsFor(
  bin: Bin,
  daemons: readonly Pod[],
  present: ReadonlySet<string>,
  world: World,
): PodClass[] {
  return daemons
    .filter(({ metadata }) => !present.has(`${metadata.namespace}/${metadata.name}`))
    .map((daemon) => world.classOf(daemon))
    .filter((pod) => admits(pod, bin, world))
}

/** Under which name `daemonsFor` knows a DaemonSet's pod that exists. */
export function daemonName({ metadata }: Pod): string | undefined {
  const owner = metadata.ownerReferences?.find(
    ({ controller, kind }) => controller === true && kind === 'DaemonSet',
  )
  return owner && `${metadata.namespace}/${owner.name}-daemon`
}
