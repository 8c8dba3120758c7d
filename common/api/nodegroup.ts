import Type, { type Static } from 'typebox'
import { maxNodeGroupName } from './names.ts'
import { costOptimization, multiRegion, scaleDownPolicy, scaleUpPolicy, spotConfig } from './policies.ts'
import {
  conditions,
  countOrPercent,
  kindSchema,
  mapOf,
  quantities,
  rules,
  seconds,
  stringMap,
  taintList,
  text,
  timestamp,
} from './schema.ts'

export const provisioners = ['managed', 'vm'] as const
export const drainBlockers = ['Unreplicated', 'LocalStorage', 'KubeSystem', 'CustomController'] as const

const identifier = '^[a-zA-Z0-9_-]+$'
export const versionForm =
  '^v(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$'

/** The fields AutoscalerConfig can preset. None has a CRD default: that would be set before a preset is looked at. */
export const presettable = {
  minNodes: Type.Integer({ minimum: 0, maximum: 10_000, description: 'Nodes the group never goes below.' }),
  maxNodes: Type.Integer({ minimum: 1, maximum: 10_000, description: 'Nodes the group never goes above.' }),
  datacenterID: text('Where the nodes are; in managed mode the datacenter of the cluster.', 64, {
    pattern: identifier,
  }),
  offeringIDs: Type.Array(
    text('Decimal id, identifier or name of a size.', 64, { pattern: '^[a-zA-Z0-9._-]+$' }),
    {
      minItems: 1,
      maxItems: 32,
      description: 'The sizes nodes may have.',
      ...rules({
        rule: 'self.all(x, self.exists_one(y, x == y))',
        message: 'each size must be listed once',
        reason: 'FieldValueDuplicate',
      }),
    },
  ),
  resourceIdentifier: text('Identifier of the VPSie Kubernetes cluster.', 128),
  project: text('Identifier of the VPSie project.', 128),
  osImageID: text('Operating system image (vm only).', 128, { pattern: '^[a-zA-Z0-9_.-]*$' }),
  kubernetesVersion: text('Version of the nodes, such as v1.34.1.', 64, { pattern: versionForm }),
  kubeSizeID: Type.Integer({ minimum: 1, description: 'Size to use if no entry of offeringIDs is sold.' }),
  labels: stringMap('Labels of the nodes.', 64, 63),
  taints: taintList('Taints of the nodes.'),
  scaleUpPolicy,
  scaleDownPolicy,
  costOptimization,
  spotConfig,
  sshKeyIDs: Type.Array(text('SSH key identifier.', 128), {
    maxItems: 32,
    description: 'SSH keys of the machines (vm only).',
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

const drain = Type.Object(
  {
    timeoutSeconds: Type.Optional(
      seconds('How long a drain may take before it is undone.', 1, 86_400, { default: 900 }),
    ),
    maxPodGracePeriodSeconds: Type.Optional(
      seconds("Cap on each pod's own termination grace period.", 0, 86_400, { default: 600 }),
    ),
    blockOn: Type.Optional(
      Type.Array(Type.Enum([...drainBlockers], { type: 'string', maxLength: 32 }), {
        maxItems: 4,
        uniqueItems: true,
        default: ['Unreplicated', 'LocalStorage', 'KubeSystem'],
        description: 'Which pods keep their node from being removed.',
      }),
    ),
    minReplicas: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        default: 0,
        description: 'Owners with fewer replicas keep their nodes.',
      }),
    ),
  },
  { description: 'How nodes are emptied.', builtInDefault: {} },
)

const disruption = Type.Object(
  {
    maxUnavailable: Type.Optional(
      countOrPercent('Nodes of the group that may be leaving at once.', { default: '10%' }),
    ),
    minNodeAgeSeconds: Type.Optional(
      seconds('Younger nodes are not removed.', 0, 2_592_000, { default: 600 }),
    ),
    windows: Type.Optional(
      Type.Array(
        Type.Object({
          schedule: text('Start, as a cron expression of five fields.', 128, {
            pattern: '^\\S+( +\\S+){4}$',
          }),
          durationSeconds: seconds('How long the window stays open.', 60, 604_800),
          timeZone: Type.Optional(text('IANA name, UTC if absent.', 64)),
          maxUnavailable: Type.Optional(countOrPercent("Budget within this window instead of the group's.")),
        }),
        {
          maxItems: 32,
          builtInDefault: [],
          description: 'Removals happen only within; any time when empty.',
        },
      ),
    ),
  },
  { description: 'Budget of voluntary removals.', builtInDefault: {} },
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

const nodeStatus = Type.Object({
  nodeName: text('Name of the Node, empty until it is known.', 253),
  vpsID: Type.Integer({ description: "VPSie's numeric id, 0 until it is known." }),
  instanceType: text('As in the VPSieNode.', 64),
  status: text('Phase of the VPSieNode.', 32),
  createdAt: Type.Optional(timestamp('When its VPSieNode was created.')),
  readyAt: Type.Optional(timestamp('When its Node was ready first.')),
  ipAddress: Type.Optional(text('Address of the machine.', 64)),
  phase: Type.Optional(text('Phase of the VPSieNode.', 32)),
  offering: Type.Optional(text('Size by name.', 64)),
  monthlyCost: Type.Optional(Type.Number({ description: 'In account currency.' })),
  verdict: Type.Optional(Type.Enum(['keep', 'remove', 'replace'], { type: 'string' })),
  reason: Type.Optional(text('Code and sentence of the verdict.', 1024)),
  since: Type.Optional(timestamp('Since when the node is unneeded.')),
})

const backoff = Type.Object({
  offering: text('Size that VPSie refused.', 64),
  datacenterID: text('Where.', 64),
  until: timestamp('Left alone until then.'),
  failures: Type.Integer({ minimum: 1, description: 'Refusals in a row.' }),
  reason: text("VPSie's words.", 1024),
})

export const nodeGroupStatus = Type.Object({
  currentNodes: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Machines, those on their way included.' }),
  ),
  desiredNodes: Type.Optional(Type.Integer({ minimum: 0, description: 'Machines the last plan wants.' })),
  readyNodes: Type.Optional(Type.Integer({ minimum: 0, description: 'Machines whose Node is ready.' })),
  planGeneration: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Counts the plans that were carried out.' }),
  ),
  vpsieGroupID: Type.Optional(Type.Integer({ description: 'Size pool at VPSie last used.' })),
  nodes: Type.Optional(
    Type.Array(nodeStatus, { maxItems: 200, description: 'Those not simply kept come first.' }),
  ),
  nodesOmitted: Type.Optional(Type.Integer({ minimum: 0, description: 'Nodes beyond those listed.' })),
  backoffs: Type.Optional(
    Type.Array(backoff, { maxItems: 512, description: 'Sizes that are left alone for a while.' }),
  ),
  conditions: Type.Optional(conditions),
  monthlyCost: Type.Optional(Type.Number({ description: 'Of the machines now, in account currency.' })),
  lastDecisionTime: Type.Optional(timestamp('When the last plan was made.')),
  lastDecision: Type.Optional(text('What it was, in a sentence.', 2048)),
  lastScaleTime: Type.Optional(timestamp('Last change of size.')),
  lastScaleUpTime: Type.Optional(timestamp('Last growth.')),
  lastScaleDownTime: Type.Optional(timestamp('Last removal.')),
  observedGeneration: Type.Optional(
    Type.Integer({ minimum: 0, description: 'metadata.generation this speaks of.' }),
  ),
})

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
export type NodeStatusEntry = Static<typeof nodeStatus>
export type OfferingBackoff = Static<typeof backoff>
export type DrainBlocker = (typeof drainBlockers)[number]
