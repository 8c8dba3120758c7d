import type {
  CSINode,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '../../../common/kube/objects.ts'
import type { Chance } from '../../fixtures/chance.ts'
import { zone } from './affinity.ts'

const driver = 'csi.example.com'

/** Now and then a claim whose volume is bound and one whose volume waits for the pod. */
export function volumesOf(chance: Chance, name: string, zones: readonly string[]) {
  if (!chance.happens(30)) return { storageClasses: [], persistentVolumes: [], claims: [] }
  const storageClasses: StorageClass[] = [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: `${name}-late` },
      provisioner: driver,
      volumeBindingMode: 'WaitForFirstConsumer',
      ...(chance.happens(50)
        ? {
            allowedTopologies: [
              {
                matchLabelExpressions: [{ key: zone, values: zones.slice(0, 1 + chance.below(2)) }],
              },
            ],
          }
        : {}),
    },
  ]
  const bound = `${name}-bound`
  const claim = (claimName: string, storageClassName: string, volumeName?: string): PersistentVolumeClaim =>
    ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: claimName, namespace: name },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        storageClassName,
        ...(volumeName ? { volumeName } : {}),
      },
    }) as PersistentVolumeClaim
  const home = chance.of(zones)
  const persistentVolumes = [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: bound, labels: chance.happens(50) ? { [zone]: home } : {} },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: '',
        claimRef: { namespace: name, name: 'bound' },
        csi: { driver, volumeHandle: bound },
        ...(chance.happens(60)
          ? {
              nodeAffinity: {
                required: {
                  nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: [home] }] }],
                },
              },
            }
          : {}),
      },
    },
  ] as unknown as PersistentVolume[]
  return {
    storageClasses,
    persistentVolumes,
    claims: [claim('bound', '', bound), claim('late', `${name}-late`)],
  }
}

/** How many volumes of the driver a node can attach. */
export function csiNodeOf(chance: Chance, { metadata }: Node): CSINode {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    metadata: { name: metadata.name },
    spec: {
      drivers: [
        {
          name: driver,
          nodeID: metadata.name,
          topologyKeys: [zone],
          allocatable: { count: chance.of([1, 5]) },
        },
      ],
    },
  } as unknown as CSINode
}
