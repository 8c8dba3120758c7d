import { wellKnown } from '../../../common/api/names.ts'
import type {
  NodeSelectorTerm,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  Volume,
} from '../../../common/kube/objects.ts'
import { keyOf } from '../../../common/kube/resources.ts'
import type { ClusterState } from '../state.ts'

export interface Attachment {
  readonly driver: string
  readonly count: number
  readonly shared: readonly string[]
}

/** Where the volumes of a pod let it run. */
export interface VolumeNeeds {
  /** Text that is equal for equal needs; empty for a pod without claims. */
  readonly key: string
  /** Why the pod can run nowhere yet. */
  readonly refusal: string | undefined
  /** Per volume the alternatives a node may meet (VolumeBinding). */
  readonly terms: readonly (readonly NodeSelectorTerm[])[]
  /** Zone and region labels a node must carry, each with the values allowed (VolumeZone). */
  readonly zones: readonly { key: string; values: readonly string[] }[]
  /** Attachments by driver (NodeVolumeLimits). `shared` are claims that other pods use too: a node attaches each once. */
  readonly attachments: readonly Attachment[]
  /** Claims that only one pod may use at a time (ReadWriteOncePod), as `namespace/name`. */
  readonly exclusive: readonly string[]
  readonly byName: boolean
}

const noNeeds: VolumeNeeds = {
  key: '',
  refusal: undefined,
  terms: [],
  zones: [],
  attachments: [],
  exclusive: [],
  byName: false,
}

/** Answers what volumes ask of a pod's node. */
export interface Volumes {
  of(pod: Pod): VolumeNeeds
}

interface One {
  refusal?: string
  terms?: readonly NodeSelectorTerm[]
  zones?: { key: string; values: readonly string[] }[]
  driver?: string
  /** Its claim, where several pods use it. */
  shared?: string
  exclusive?: string
}

type VolumeState = Pick<ClusterState, 'persistentVolumeClaims' | 'persistentVolumes' | 'storageClasses'>

/** Reads claims, volumes and classes once; both binding modes as kube-scheduler's VolumeBinding takes them. */
export function readVolumes(state: VolumeState, pods: readonly Pod[]): Volumes {
  const claims = new Map(state.persistentVolumeClaims.map((claim) => [keyOf(claim), claim]))
  const volumes = new Map(state.persistentVolumes.map((volume) => [volume.metadata.name, volume]))
  const shared = sharedClaims(pods)
  const classes = new Map(state.storageClasses.map((entry) => [entry.metadata.name, entry]))

  function ofVolume(pod: Pod, volume: Volume): One | undefined {
    const name =
      volume.persistentVolumeClaim?.claimName ??
      (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined)
    if (name === undefined) return undefined
    const claim = claims.get(`${pod.metadata.namespace}/${name}`)
    if (!claim) return { refusal: `PersistentVolumeClaim "${name}" does not exist` }
    const { volumeName, storageClassName = '', accessModes = [] } = claim.spec
    const storage = classes.get(storageClassName)
    const key = keyOf(claim)
    const needs = volumeName
      ? ofBound(claim, volumes.get(volumeName), volumeName, storage)
      : ofUnbound(name, storage, storageClassName)
    return {
      ...needs,
      ...(shared.has(key) ? { shared: key } : {}),
      ...(accessModes.includes('ReadWriteOncePod') ? { exclusive: key } : {}),
    }
  }

  return {
    of(pod) {
      const needs = (pod.spec.volumes ?? [])
        .map((volume) => ofVolume(pod, volume))
        .filter((one) => one !== undefined)
      return needs.length === 0 ? noNeeds : together(needs)
    },
  }
}

/** Claims that several pods name. */
function sharedClaims(pods: readonly Pod[]): Set<string> {
  const once = new Set<string>()
  const shared = new Set<string>()
  for (const { metadata, spec } of pods) {
    for (const { persistentVolumeClaim } of spec.volumes ?? []) {
      if (!persistentVolumeClaim) continue
      const key = `${metadata.namespace}/${persistentVolumeClaim.claimName}`
      if (once.has(key)) shared.add(key)
      once.add(key)
    }
  }
  return shared
}

function ofUnbound(name: string, storage: StorageClass | undefined, className: string): One {
  if (!storage)
    return {
      refusal: `PersistentVolumeClaim "${name}" is unbound and StorageClass "${className}" does not exist`,
    }
  if (storage.volumeBindingMode !== 'WaitForFirstConsumer') {
    return { refusal: `PersistentVolumeClaim "${name}" is not bound yet, and its class binds at once` }
  }
  if (storage.provisioner === 'kubernetes.io/no-provisioner') {
    return {
      refusal: `PersistentVolumeClaim "${name}" waits for a local volume, which a new place is not proven to have`,
    }
  }
  const terms = (storage.allowedTopologies ?? []).map(({ matchLabelExpressions = [] }) => ({
    matchExpressions: matchLabelExpressions.map(({ key, values }) => ({
      key,
      operator: 'In' as const,
      values,
    })),
  }))
  return { ...(terms.length > 0 ? { terms } : {}), driver: storage.provisioner }
}

export const zoneKeys = [
  wellKnown.zone,
  wellKnown.region,
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]

function ofBound(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume | undefined,
  name: string,
  storage: StorageClass | undefined,
): One {
  if (!volume)
    return { refusal: `PersistentVolume "${name}" of claim "${claim.metadata.name}" does not exist` }
  const zones = zoneKeys.flatMap((key) => {
    const value = volume.metadata.labels?.[key]
    return value === undefined ? [] : [{ key, values: value.split('__') }]
  })
  const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms
  const driver = volume.spec.csi?.driver ?? storage?.provisioner
  return { zones, ...(terms ? { terms } : {}), ...(driver ? { driver } : {}) }
}

function together(needs: readonly One[]): VolumeNeeds {
  const terms = needs.flatMap((one) => (one.terms ? [one.terms] : []))
  const zones = needs.flatMap((one) => one.zones ?? [])
  const drivers = [...new Set(needs.flatMap((one) => (one.driver ? [one.driver] : [])))].sort()
  const attachments = drivers.map((driver): Attachment => {
    const own = needs.filter((one) => one.driver === driver)
    const shared = [...new Set(own.flatMap((one) => one.shared ?? []))].sort()
    return { driver, count: own.filter((one) => one.shared === undefined).length, shared }
  })
  const exclusive = needs.flatMap((one) => (one.exclusive ? [one.exclusive] : []))
  const refusal = needs.find((one) => one.refusal !== undefined)?.refusal
  return {
    key: JSON.stringify([refusal, terms, zones, attachments, exclusive]),
    refusal,
    terms,
    zones,
    attachments,
    exclusive,
    byName: terms.flat().some(namesNodes),
  }
}

function namesNodes({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): boolean {
  return matchFields.length > 0 || matchExpressions.some(({ key }) => key === wellKnown.hostname)
}

/** Every term of volumes and classes that reads a Node's labels. */
export function volumeTermsOf(state: VolumeState): NodeSelectorTerm[] {
  const ofVolumes = state.persistentVolumes.flatMap(
    ({ spec }) => spec.nodeAffinity?.required?.nodeSelectorTerms ?? [],
  )
  const ofClasses = state.storageClasses.flatMap(({ allowedTopologies = [] }) =>
    allowedTopologies.map(({ matchLabelExpressions = [] }) => ({
      matchExpressions: matchLabelExpressions.map(({ key }) => ({ key, operator: 'Exists' as const })),
    })),
  )
  const zones = zoneKeys.map((key) => ({ key, operator: 'Exists' as const }))
  return [...ofVolumes, ...ofClasses, { matchExpressions: zones }]
}
