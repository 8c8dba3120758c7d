/** A kind the API server knows: how it is named in paths and what it offers. */
export interface Kind {
  group: string
  version: string
  kind: string
  plural: string
  shortNames?: readonly string[]
  namespaced: boolean
  /** Has a status that only the status subresource writes. */
  status: boolean
  /** What a create request's status becomes: for most kinds it is dropped; a kubelet registers its Node with one. */
  createsStatus?: boolean
  /** Other subresources. */
  subresources?: readonly string[]
  /** Defined by a CRD: a write of its status leaves even metadata alone. */
  custom?: boolean
}

export const apiVersionOf = ({ group, version }: Pick<Kind, 'group' | 'version'>): string =>
  group ? `${group}/${version}` : version

interface Extra extends Partial<Kind> {
  cluster?: true
}

function kindsOf(group: string, kinds: Record<string, [kind: string, extra?: Extra]>): Kind[] {
  return Object.entries(kinds).map(([plural, [kind, { cluster, ...extra } = {}]]) => ({
    group,
    version: 'v1',
    kind,
    plural,
    namespaced: !cluster,
    status: false,
    ...extra,
  }))
}

const cluster = { cluster: true } as const
const status = { status: true } as const
const scale = { status: true, subresources: ['scale'] } as const

/** The built-in kinds our programs, our manifests and the simulated controllers use. */
export const builtInKinds: readonly Kind[] = [
  ...kindsOf('', {
    namespaces: ['Namespace', { ...cluster, ...status, shortNames: ['ns'] }],
    nodes: ['Node', { ...cluster, ...status, createsStatus: true, shortNames: ['no'] }],
    pods: ['Pod', { ...status, subresources: ['eviction', 'binding'], shortNames: ['po'] }],
    services: ['Service', { ...status, shortNames: ['svc'] }],
    endpoints: ['Endpoints', { shortNames: ['ep'] }],
    secrets: ['Secret'],
    configmaps: ['ConfigMap', { shortNames: ['cm'] }],
    serviceaccounts: ['ServiceAccount', { subresources: ['token'], shortNames: ['sa'] }],
    events: ['Event', { shortNames: ['ev'] }],
    persistentvolumeclaims: ['PersistentVolumeClaim', { ...status, shortNames: ['pvc'] }],
    persistentvolumes: ['PersistentVolume', { ...cluster, ...status, shortNames: ['pv'] }],
    replicationcontrollers: ['ReplicationController', { ...scale, shortNames: ['rc'] }],
    resourcequotas: ['ResourceQuota', status],
    limitranges: ['LimitRange'],
  }),
  ...kindsOf('apps', {
    deployments: ['Deployment', { ...scale, shortNames: ['deploy'] }],
    replicasets: ['ReplicaSet', { ...scale, shortNames: ['rs'] }],
    statefulsets: ['StatefulSet', { ...scale, shortNames: ['sts'] }],
    daemonsets: ['DaemonSet', { ...status, shortNames: ['ds'] }],
    controllerrevisions: ['ControllerRevision'],
  }),
  ...kindsOf('batch', { jobs: ['Job', status], cronjobs: ['CronJob', status] }),
  ...kindsOf('policy', { poddisruptionbudgets: ['PodDisruptionBudget', { ...status, shortNames: ['pdb'] }] }),
  ...kindsOf('scheduling.k8s.io', { priorityclasses: ['PriorityClass', { ...cluster, shortNames: ['pc'] }] }),
  ...kindsOf('storage.k8s.io', {
    storageclasses: ['StorageClass', { ...cluster, shortNames: ['sc'] }],
    csinodes: ['CSINode', cluster],
    csidrivers: ['CSIDriver', cluster],
    csistoragecapacities: ['CSIStorageCapacity'],
    volumeattachments: ['VolumeAttachment', { ...cluster, ...status }],
  }),
  ...kindsOf('coordination.k8s.io', { leases: ['Lease'] }),
  ...kindsOf('discovery.k8s.io', { endpointslices: ['EndpointSlice'] }),
  ...kindsOf('networking.k8s.io', { networkpolicies: ['NetworkPolicy', { shortNames: ['netpol'] }] }),
  ...kindsOf('rbac.authorization.k8s.io', {
    roles: ['Role'],
    rolebindings: ['RoleBinding'],
    clusterroles: ['ClusterRole', cluster],
    clusterrolebindings: ['ClusterRoleBinding', cluster],
  }),
  ...kindsOf('admissionregistration.k8s.io', {
    validatingwebhookconfigurations: ['ValidatingWebhookConfiguration', cluster],
    mutatingwebhookconfigurations: ['MutatingWebhookConfiguration', cluster],
  }),
  ...kindsOf('apiextensions.k8s.io', {
    customresourcedefinitions: [
      'CustomResourceDefinition',
      { ...cluster, ...status, shortNames: ['crd', 'crds'] },
    ],
  }),
  ...kindsOf('events.k8s.io', { events: ['Event', { shortNames: ['ev'] }] }),
]
