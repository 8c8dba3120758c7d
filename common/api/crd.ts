import type { TSchema } from 'typebox'
import type { KubeObject } from '../kube/objects.ts'
import { type Resource, resources } from '../kube/resources.ts'
import { autoscalerConfigSchema } from './autoscalerconfig.ts'
import { group, version } from './names.ts'
import { nodeGroupSchema } from './nodegroup.ts'
import { structuralSchema } from './structural.ts'
import { vpsieNodeSchema } from './vpsienode.ts'

/** One of our kinds as `kubectl` shows it. */
interface Kind {
  resource: Resource<KubeObject>
  schema: TSchema
  shortNames: readonly string[]
  /** Title, type and path of each column of `kubectl get`. */
  columns: readonly (readonly [
    title: string,
    type: 'integer' | 'string' | 'boolean' | 'date',
    path: string,
  ])[]
}

const age = ['Age', 'date', '.metadata.creationTimestamp'] as const

// Short names and columns are those of the Go autoscaler: people's habits and scripts rest on them.
export const kinds: readonly Kind[] = [
  {
    resource: resources.nodeGroups,
    schema: nodeGroupSchema,
    shortNames: ['ng', 'ngs'],
    columns: [
      ['Min', 'integer', '.spec.minNodes'],
      ['Max', 'integer', '.spec.maxNodes'],
      ['Desired', 'integer', '.status.desiredNodes'],
      ['Current', 'integer', '.status.currentNodes'],
      ['Ready', 'integer', '.status.readyNodes'],
      age,
    ],
  },
  {
    resource: resources.vpsieNodes,
    schema: vpsieNodeSchema,
    shortNames: ['vn', 'vns'],
    columns: [
      ['VPS ID', 'integer', '.spec.vpsieInstanceID'],
      ['Node', 'string', '.status.nodeName'],
      ['Phase', 'string', '.status.phase'],
      ['Instance Type', 'string', '.spec.instanceType'],
      ['NodeGroup', 'string', '.spec.nodeGroupName'],
      age,
    ],
  },
  {
    resource: resources.autoscalerConfigs,
    schema: autoscalerConfigSchema,
    shortNames: ['asc'],
    columns: [
      ['MaxWorkers', 'integer', '.spec.globalSettings.maxClusterWorkers'],
      ['MinNodes', 'integer', '.spec.nodeGroupDefaults.minNodes'],
      ['MaxNodes', 'integer', '.spec.nodeGroupDefaults.maxNodes'],
      ['DynamicCreation', 'boolean', '.spec.globalSettings.enableDynamicNodeGroupCreation'],
      ['Active', 'boolean', '.status.active'],
      age,
    ],
  },
]

/** The CustomResourceDefinition of a kind: structural schema, status subresource, columns. */
export function customResourceDefinition({ resource, schema, shortNames, columns }: Kind) {
  const { kind, plural, namespaced } = resource
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns.map(([name, type, jsonPath]) => ({ name, type, jsonPath })),
          schema: { openAPIV3Schema: structuralSchema(schema) },
        },
      ],
    },
  }
}
