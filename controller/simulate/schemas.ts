import Type, { type Static } from 'typebox'
import { nodeGroupSchema, nodeGroupSpec } from '../../common/api/nodegroup.ts'
import { vpsieNodeSpec, vpsieNodeStatus } from '../../common/api/vpsienode.ts'

/** The structure a state file must have where the decision reads it. Everything else is left alone. */

const text = Type.String()
const texts = Type.Array(text)
const map = Type.Record(Type.String(), text)
const quantities = Type.Record(Type.String(), Type.Union([text, Type.Number()]))
const resources = Type.Object({ requests: Type.Optional(quantities), limits: Type.Optional(quantities) })

export const metadata = Type.Object({
  name: Type.String({ minLength: 1 }),
  namespace: Type.Optional(text),
  creationTimestamp: Type.Optional(Type.Union([text, Type.Null()])),
  labels: Type.Optional(map),
  annotations: Type.Optional(map),
  ownerReferences: Type.Optional(Type.Array(Type.Object({ kind: text, name: text }))),
})

const requirement = Type.Object({ key: text, operator: text, values: Type.Optional(texts) })
const selector = Type.Object({
  matchLabels: Type.Optional(map),
  matchExpressions: Type.Optional(Type.Array(requirement)),
})
const nodeTerm = Type.Object({
  matchExpressions: Type.Optional(Type.Array(requirement)),
  matchFields: Type.Optional(Type.Array(requirement)),
})
const podTerms = Type.Object({
  requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(
    Type.Array(
      Type.Object({
        labelSelector: Type.Optional(selector),
        topologyKey: text,
        namespaces: Type.Optional(texts),
      }),
    ),
  ),
})
const affinity = Type.Object({
  nodeAffinity: Type.Optional(
    Type.Object({
      requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(
        Type.Object({ nodeSelectorTerms: Type.Array(nodeTerm) }),
      ),
    }),
  ),
  podAffinity: Type.Optional(podTerms),
  podAntiAffinity: Type.Optional(podTerms),
})

const container = Type.Object({
  resources: Type.Optional(resources),
  ports: Type.Optional(Type.Array(Type.Object({ hostPort: Type.Optional(Type.Integer()) }))),
})

const podSpec = Type.Object({
  nodeName: Type.Optional(text),
  containers: Type.Array(container),
  initContainers: Type.Optional(Type.Array(container)),
  overhead: Type.Optional(quantities),
  resources: Type.Optional(resources),
  nodeSelector: Type.Optional(map),
  affinity: Type.Optional(affinity),
  priority: Type.Optional(Type.Integer()),
  tolerations: Type.Optional(
    Type.Array(Type.Object({ key: Type.Optional(text), value: Type.Optional(text) })),
  ),
  topologySpreadConstraints: Type.Optional(
    Type.Array(
      Type.Object({
        maxSkew: Type.Integer(),
        topologyKey: text,
        whenUnsatisfiable: text,
        labelSelector: Type.Optional(selector),
        minDomains: Type.Optional(Type.Integer()),
      }),
    ),
  ),
  volumes: Type.Optional(Type.Array(Type.Object({ name: text }))),
})

const conditions = Type.Optional(Type.Array(Type.Object({ type: text, status: text })))

export const kubernetesSchemas = {
  Pod: Type.Object({ metadata, spec: podSpec, status: Type.Optional(Type.Object({ conditions })) }),
  Node: Type.Object({
    metadata,
    spec: Type.Optional(
      Type.Object({
        unschedulable: Type.Optional(Type.Boolean()),
        taints: Type.Optional(
          Type.Array(Type.Object({ key: text, value: Type.Optional(text), effect: text })),
        ),
      }),
    ),
    status: Type.Optional(
      Type.Object({
        conditions,
        allocatable: Type.Optional(quantities),
        capacity: Type.Optional(quantities),
      }),
    ),
  }),
  DaemonSet: Type.Object({ metadata, spec: Type.Object({ template: Type.Object({ spec: podSpec }) }) }),
  PodDisruptionBudget: Type.Object({
    metadata,
    spec: Type.Object({ selector: Type.Optional(Type.Union([selector, Type.Null()])) }),
    status: Type.Optional(Type.Object({ disruptionsAllowed: Type.Optional(Type.Integer()) })),
  }),
  PersistentVolumeClaim: Type.Object({ metadata, spec: Type.Object({ volumeName: Type.Optional(text) }) }),
  PersistentVolume: Type.Object({
    metadata,
    spec: Type.Object({
      nodeAffinity: Type.Optional(
        Type.Object({ required: Type.Optional(Type.Object({ nodeSelectorTerms: Type.Array(nodeTerm) })) }),
      ),
    }),
  }),
  StorageClass: Type.Object({ metadata, provisioner: text, volumeBindingMode: Type.Optional(text) }),
  CSINode: Type.Object({
    metadata,
    spec: Type.Object({
      drivers: Type.Optional(Type.Union([Type.Array(Type.Object({ name: text })), Type.Null()])),
    }),
  }),
  PriorityClass: Type.Object({
    metadata,
    value: Type.Integer(),
    globalDefault: Type.Optional(Type.Boolean()),
  }),
  Namespace: Type.Object({ metadata }),
  Workload: Type.Object({ metadata, spec: Type.Object({ replicas: Type.Optional(Type.Integer()) }) }),
}

/** A NodeGroup before its defaults are filled in, so that a sketch of one will do. */
export const nodeGroup = Type.Object({
  metadata,
  spec: Type.Partial(nodeGroupSpec),
  status: nodeGroupSchema.properties.status,
})

/** Of a VPSieNode the decision reads which group's and which size it is. */
export const vpsieNode = Type.Object({
  metadata,
  spec: Type.Intersect([
    Type.Partial(vpsieNodeSpec),
    Type.Pick(vpsieNodeSpec, ['instanceType', 'nodeGroupName']),
  ]),
  status: Type.Optional(Type.Partial(vpsieNodeStatus)),
})

const amount = Type.Number({ minimum: 0 })

/** A size on sale, in `simulate.autoscaler.vpsie.com/v1`. */
export const offering = Type.Object({
  metadata,
  spec: Type.Object({
    cpu: amount,
    memoryMB: amount,
    diskGB: Type.Optional(amount),
    pods: Type.Optional(Type.Integer({ minimum: 1 })),
    monthlyPrice: amount,
    datacenterID: Type.Optional(text),
    available: Type.Optional(Type.Boolean()),
    extended: Type.Optional(Type.Record(Type.String(), amount)),
    allocatable: Type.Optional(quantities),
  }),
})

/** What the agent of a node has reported, in `simulate.autoscaler.vpsie.com/v1`. */
export const nodeUsage = Type.Object({
  metadata,
  spec: Type.Object({
    cpuPercent: amount,
    memoryPercent: amount,
    memoryFull: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    coverage: Type.Number({ minimum: 0, maximum: 1 }),
    since: text,
  }),
})

export type OfferingObject = Static<typeof offering>
export type NodeUsageObject = Static<typeof nodeUsage>
