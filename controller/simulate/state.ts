import { annotations, configName, labels } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { fromTimestamp } from '../../common/clock.ts'
import { InputError } from '../../common/errors.ts'
import type { KubeObject, Node, Pod, Workload } from '../../common/kube/objects.ts'
import type { ClusterState, NodeUsage, Offering } from '../decide/state.ts'
import { trimNode, trimPod, trimWorkload } from '../observe/trim.ts'
import type { Document } from './documents.ts'
import { check, type Kind, kindOf, place } from './kinds.ts'
import type { NodeUsageObject, OfferingObject } from './schemas.ts'

export interface ReadState {
  state: ClusterState
  /** What was left out, one sentence each. */
  notes: string[]
}

/** Puts a state together from documents. Throws `InputError` naming document, path and value of the first mistake. */
export async function readState(
  documents: AsyncIterable<Document>,
  options: { namespaces: readonly string[]; usage: string },
): Promise<ReadState> {
  const lists = new Map<keyof ClusterState, KubeObject[]>()
  const unknown = new Map<string, number>()
  const seen = new Set<string>()
  for await (const { where, object } of documents) {
    const kind = kindOf(object)
    if (!kind) {
      const name = `${String(object.kind)} (${String(object.apiVersion)})`
      unknown.set(name, (unknown.get(name) ?? 0) + 1)
      continue
    }
    check(kind, object, where)
    // True because every schema asks for metadata with a name.
    const placed = trimmed(kind, place(kind, object as unknown as KubeObject, options.namespaces))
    const key = `${String(object.kind)} ${placed.metadata.namespace}/${placed.metadata.name}`
    if (seen.has(key)) throw new InputError(where, `is there twice: ${key}`)
    seen.add(key)
    const list = lists.get(kind.list)
    if (list) list.push(placed)
    else lists.set(kind.list, [placed])
  }
  const { nodeGroups, notes } = managed((lists.get('nodeGroups') ?? []) as NodeGroup[], options.namespaces)
  const ignored = [...unknown].sort().map(([name, count]) => `ignored ${count} of unknown kind ${name}`)
  return { state: assemble(lists, nodeGroups, options.usage), notes: [...ignored, ...notes] }
}

/** The object without what no decision reads, as the controller keeps it. */
function trimmed({ list }: Kind, object: KubeObject): KubeObject {
  if (list === 'pods') return trimPod(object as Pod)
  if (list === 'nodes') return trimNode(object as Node)
  if (list === 'workloads' || list === 'daemonSets') return trimWorkload(object as Workload)
  return object
}

/** The groups the controller would look after; one that was never stored is taken as admission would store it. */
function managed(
  all: readonly NodeGroup[],
  namespaces: readonly string[],
): { nodeGroups: NodeGroup[]; notes: string[] } {
  const notes: string[] = []
  const nodeGroups = all.flatMap((group) => {
    const { name, namespace = '', uid } = group.metadata
    const isOurs = group.metadata.labels?.[labels.managed] === 'true'
    if (!isOurs) notes.push(`ignored NodeGroup ${namespace}/${name}: it has no label ${labels.managed}=true`)
    else if (!namespaces.includes(namespace))
      notes.push(`ignored NodeGroup ${namespace}/${name}: its namespace is not one of --namespaces`)
    else return [uid === undefined ? adopted(group) : group]
    return []
  })
  return { nodeGroups, notes }
}

function adopted(group: NodeGroup): NodeGroup {
  const notes = { [annotations.adoptSettings]: 'true', ...group.metadata.annotations }
  return { ...group, metadata: { ...group.metadata, annotations: notes } }
}

function assemble(
  lists: ReadonlyMap<keyof ClusterState, KubeObject[]>,
  nodeGroups: NodeGroup[],
  usage: string,
): ClusterState {
  // True because each list holds only objects that the schema of its kind accepts.
  const list = <K extends keyof ClusterState>(name: K) =>
    (lists.get(name) ?? []) as unknown as ClusterState[K]
  const usages = (lists.get('usage') ?? []) as unknown as NodeUsageObject[]
  const configs = (lists.get('autoscalerConfig') ?? []).filter(({ metadata }) => metadata.name === configName)
  return {
    nodes: list('nodes'),
    pods: list('pods'),
    daemonSets: list('daemonSets'),
    workloads: list('workloads'),
    podDisruptionBudgets: list('podDisruptionBudgets'),
    persistentVolumeClaims: list('persistentVolumeClaims'),
    persistentVolumes: list('persistentVolumes'),
    storageClasses: list('storageClasses'),
    csiNodes: list('csiNodes'),
    priorityClasses: list('priorityClasses'),
    namespaces: list('namespaces'),
    nodeGroups,
    vpsieNodes: list('vpsieNodes'),
    autoscalerConfig: configs[0] as ClusterState['autoscalerConfig'],
    offerings: ((lists.get('offerings') ?? []) as unknown as OfferingObject[]).map(toOffering),
    usage:
      usage === 'off' || usages.length === 0
        ? undefined
        : new Map(usages.map((one) => [one.metadata.name, toUsage(one)])),
    backoffs: nodeGroups.flatMap(backoffsOf),
  }
}

function backoffsOf({ status }: NodeGroup): ClusterState['backoffs'] {
  return (status?.backoffs ?? []).map((one) => ({ ...one, until: fromTimestamp(one.until) ?? 0 }))
}

function toOffering({ metadata, spec }: OfferingObject): Offering {
  const {
    cpu,
    memoryMB,
    diskGB = 0,
    pods = 110,
    monthlyPrice,
    datacenterID,
    available = true,
    extended = {},
    allocatable,
  } = spec
  return {
    name: metadata.name,
    cpuMillicores: Math.round(cpu * 1000),
    memoryBytes: memoryMB * 2 ** 20,
    diskBytes: diskGB * 2 ** 30,
    pods,
    monthlyPrice,
    available,
    extended,
    ...(datacenterID === undefined ? {} : { datacenterID }),
    ...(allocatable === undefined ? {} : { allocatable }),
  }
}

function toUsage({ metadata, spec }: NodeUsageObject): NodeUsage {
  const since = fromTimestamp(spec.since)
  if (since === undefined) {
    throw new InputError(
      `NodeUsage ${metadata.name} spec.since`,
      `must be an RFC 3339 time: current value is "${spec.since}"`,
    )
  }
  const { cpuPercent, memoryPercent, memoryFull, coverage } = spec
  return {
    node: metadata.name,
    cpuPercent,
    memoryPercent,
    coverage,
    since,
    ...(memoryFull === undefined ? {} : { memoryFull }),
  }
}
