import Type, { type Static } from 'typebox'
import { maxNodeGroupName } from './names.ts'
import { nodeGroupStatus } from './nodegroup-status.ts'
import { costOptimization, multiRegion, scaleDownPolicy, scaleUpPolicy, spotConfig } from './policies.ts'
import { disruption, drain } from './removal.ts'
import { distinct, forms, kindSchema, labelMap, mapOf, quantities, rules, taintList, text } from './schema.ts'

export const provisioners = ['managed', 'vm'] as const

/** The fields AutoscalerConfig can preset. None has a CRD default: that would be set before a preset is looked at. */
export const presettable = {
  minNodes: Type.Integer({ minimum: 0, maximum: 10_000, description: 'Nodes the group never goes below.' }),
  maxNodes: Type.Integer({ minimum: 1, maximum: 10_000, description: 'Nodes the group never goes above.' }),
  datacenterID: text(
    'Where the nodes are; in managed mode the datacenter of the cluster.',
    64,
    forms.identifier,
  ),
  offeringIDs: Type.Array(text('Decimal id, identifier or name of a size.', 64, forms.size), {
    minItems: 1,
    maxItems: 32,
    description: 'The sizes nodes may have.',
    ...rules(distinct),
  }),
  resourceIdentifier: text('Identifier of the VPSie Kubernetes cluster.', 128, { minLength: 1 }),
  project: text('Identifier of the VPSie project.', 128, { minLength: 1 }),
  osImageID: text('Operating system image (vm only).', 128, forms.image),
  kubernetesVersion: text('Version of the nodes, such as v1.34.1.', 64, forms.version),
  kubeSizeID: Type.Integer({ minimum: 1, description: 'Size to use if no entry of offeringIDs is sold.' }),
  labels: labelMap('Labels of the nodes.'),
  taints: taintList('Taints of the nodes.'),
  scaleUpPolicy,
  scaleDownPolicy,
  costOptimization,
  spotConfig,
  sshKeyIDs: Type.Array(text('SSH key identifier.', 128, forms.identifier), {
    maxItems: 32,
    description: 'SSH keys of the machines (vm only).',
    ...rules(distinct),
  }),
  tags: Type.Array(text('Tag.', 128), { maxItems: 32, description: 'Tags of the machines (vm only).' }),
  notes: text('Notes of the machines (vm only).', 1024),
}

const cloudInit = Type.Object(
  {
    template: Type.Optional(
      text('The cloud-init document, with {{ variables }}.', 32_768, { confidential: true }),
    ),
    configMapRef: Type.Optional(
      Type.Object(
        { name: text('ConfigMap in the namespace of the group.', 253), key: text('Key in its data.', 253) },
        { description: 'Where the template is kept instead.' },
      ),
    ),
    variables: Type.Optional(
      mapOf(Type.String({ maxLength: 1024, confidential: true }), {
        description: 'Values for the template.',
        maxProperties: 32,
      }),
    ),
  },
  {
    description: 'How a plain VPS joins the cluster (vm only).',
    ...rules({
      rule: 'has(self.template) != has(self.configMapRef)',
      message: 'exactly one of template and configMapRef must be given',
    }),
  },
)

const headroom = Type.Object(
  {
    pods: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Number of virtual pods.' })),
    requests: Type.Optional(quantities('What each virtual pod requests.')),
    percent: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: 'Share of what the group runs.' }),
    ),
  },
  {
    description: 'Spare room, kept as virtual pods of the lowest priority.',
    ...rules({
      rule: 'has(self.percent) ? !has(self.pods) && !has(self.requests) : has(self.pods) && has(self.requests)',
      message: 'give either percent or both pods and requests',
    }),
  },
)

export const nodeGroupSpec = Type.Object(
  {
    minNodes: presettable.minNodes,
    maxNodes: presettable.maxNodes,
    datacenterID: presettable.datacenterID,
    resourceIdentifier: presettable.resourceIdentifier,
    project: presettable.project,
    offeringIDs: presettable.offeringIDs,
    kubernetesVersion: presettable.kubernetesVersion,
    osImageID: Type.Optional(presettable.osImageID),
    kubeSizeID: Type.Optional(presettable.kubeSizeID),
    preferredInstanceType: Type.Optional(text('The size to take when several are equally good.', 64)),
    allowMixedInstances: Type.Optional(
      Type.Boolean({ default: true, description: 'Whether nodes of the group may differ in size.' }),
    ),
    labels: Type.Optional(presettable.labels),
    taints: Type.Optional(presettable.taints),
    startupTaints: Type.Optional(
      taintList('Put on at registration, taken off by someone else; ignored when fitting pods.'),
    ),
    scaleUpPolicy: Type.Optional(scaleUpPolicy),
    scaleDownPolicy: Type.Optional(scaleDownPolicy),
    sshKeyIDs: Type.Optional(presettable.sshKeyIDs),
    tags: Type.Optional(presettable.tags),
    notes: Type.Optional(presettable.notes),
    spotConfig: Type.Optional(spotConfig),
    multiRegion: Type.Optional(multiRegion),
    costOptimization: Type.Optional(costOptimization),
    provisioner: Type.Optional(
      Type.Enum([...provisioners], {
        type: 'string',
        default: 'managed',
        description: 'managed: workers of a VPSie Kubernetes cluster. vm: plain VPS that join by cloud-init.',
      }),
    ),
    cloudInit: Type.Optional(cloudInit),
    priority: Type.Optional(
      Type.Integer({
        minimum: -1000,
        maximum: 1000,
        default: 0,
        description: 'Groups with a higher one are used first.',
      }),
    ),
    headroom: Type.Optional(headroom),
    drain: Type.Optional(drain),
    disruption: Type.Optional(disruption),
    dryRun: Type.Optional(Type.Boolean({ default: false, description: 'Decide and report, do nothing.' })),
    maxMonthlyCost: Type.Optional(
      Type.Number({ minimum: 0, description: 'In account currency; no plan goes past it.' }),
    ),
  },
  {
    ...rules(
      {
        rule:
          'self.minNodes <= self.maxNodes || ' +
          '(oldSelf.?minNodes.orValue(-1) == self.minNodes && oldSelf.?maxNodes.orValue(-1) == self.maxNodes)',
        message: 'minNodes must not be greater than maxNodes',
        fieldPath: '.minNodes',
        optionalOldSelf: true,
      },
      {
        rule:
          "!has(self.preferredInstanceType) || self.preferredInstanceType == '' || self.preferredInstanceType in self.offeringIDs || " +
          "(oldSelf.?preferredInstanceType.orValue('') == self.preferredInstanceType && " +
          'oldSelf.?offeringIDs.orValue([]) == self.offeringIDs)',
        message: 'preferredInstanceType must be one of offeringIDs',
        fieldPath: '.preferredInstanceType',
        optionalOldSelf: true,
      },
      {
        rule:
          '!has(self.taints) || !has(self.startupTaints) || ' +
          'self.startupTaints.all(x, !self.taints.exists(y, y.key == x.key && y.effect == x.effect))',
        message: 'a key with the same effect must not be in taints and in startupTaints',
        fieldPath: '.startupTaints',
        reason: 'FieldValueDuplicate',
      },
      {
        rule:
          '!has(self.multiRegion) || !has(self.multiRegion.enabled) || !self.multiRegion.enabled || ' +
          '!has(self.multiRegion.datacenterIDs) || !has(self.multiRegion.minNodesPerRegion) || ' +
          'self.multiRegion.minNodesPerRegion * size(self.multiRegion.datacenterIDs) <= self.maxNodes',
        message: 'minNodesPerRegion in every one of datacenterIDs must not come to more than maxNodes',
        fieldPath: '.multiRegion.minNodesPerRegion',
      },
      {
        rule: "!has(self.cloudInit) || (has(self.provisioner) && self.provisioner == 'vm')",
        message: 'cloudInit is for provisioner vm only',
        fieldPath: '.cloudInit',
        reason: 'FieldValueForbidden',
      },
      {
        rule: "!has(self.provisioner) || self.provisioner != 'vm' || has(self.cloudInit)",
        message: 'provisioner vm needs cloudInit: nothing else makes the machine join the cluster',
        fieldPath: '.cloudInit',
        reason: 'FieldValueRequired',
      },
    ),
  },
)

export const nodeGroupSchema = kindSchema(
  'NodeGroup',
  'A set of interchangeable worker nodes that grows and shrinks with what the pods need.',
  nodeGroupSpec,
  nodeGroupStatus,
  [
    {
      rule: `oldSelf.hasValue() || size(self.metadata.name) <= ${maxNodeGroupName}`,
      message: `the name of a NodeGroup must have at most ${maxNodeGroupName} characters: it becomes part of label values and VPSieNode names`,
      optionalOldSelf: true,
    },
  ],
)

export type NodeGroup = Static<typeof nodeGroupSchema>
export type NodeGroupSpec = NodeGroup['spec']
export type NodeGroupStatus = NonNullable<NodeGroup['status']>
export type NodeStatusEntry = NonNullable<NodeGroupStatus['nodes']>[number]
export type OfferingBackoff = NonNullable<NodeGroupStatus['backoffs']>[number]
