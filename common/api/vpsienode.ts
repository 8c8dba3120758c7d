import Type, { type Static } from 'typebox'
import { conditions, forms, kindSchema, rules, text, timestamp } from './schema.ts'

export const phases = [
  'Pending',
  'Provisioning',
  'Provisioned',
  'Joining',
  'Ready',
  'Terminating',
  'Deleting',
  'Failed',
] as const

export type Phase = (typeof phases)[number]

/** For what the controller, too, writes only once: whoever changed it would make the claim one to another machine. */
const fixed = rules({
  rule: "oldSelf == '' || self == oldSelf",
  message: 'cannot change: it says which machine this is',
  reason: 'FieldValueForbidden',
})

// What the controller copies from a NodeGroup is bounded here as loosely as NodeGroups once were: a stored one with an
// empty project, say, must still be able to grow. The webhook, which the controller is exempt from, is stricter.
export const vpsieNodeSpec = Type.Object({
  vpsieInstanceID: Type.Integer({
    minimum: 0,
    description: "VPSie's numeric id of the machine, 0 while unknown.",
  }),
  instanceType: text('The size: the entry of offeringIDs it resolved to.', 64, {
    ...forms.size,
    ...fixed,
  }),
  nodeGroupName: text('NodeGroup in the same namespace that the machine belongs to.', 253, {
    minLength: 1,
    ...forms.objectName,
    ...fixed,
  }),
  datacenterID: text('Where the machine is.', 64, { ...forms.identifier, ...fixed }),
  resourceIdentifier: text('Identifier of the VPSie Kubernetes cluster.', 128, fixed),
  project: text('Identifier of the VPSie project.', 128, fixed),
  osImageID: Type.Optional(text('Operating system image.', 128, forms.image)),
  kubernetesVersion: text('Version of the node, such as v1.34.1.', 64, forms.version),
  sshKeyIDs: Type.Optional(
    Type.Array(text('SSH key identifier.', 128), { maxItems: 32, description: 'SSH keys of the machine.' }),
  ),
  nodeName: Type.Optional(text('Name of its Node, once known.', 253)),
  ipAddress: Type.Optional(text('IPv4 address, once known.', 64)),
  ipv6Address: Type.Optional(text('IPv6 address, once known.', 64)),
  vpsieGroupID: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Size pool at VPSie it was ordered in.' }),
  ),
  vpsieNodeIdentifier: Type.Optional(
    text("VPSie's identifier of the machine, once known; deletion needs one.", 128),
  ),
})

export const vpsieNodeStatus = Type.Object({
  phase: Type.Enum([...phases], {
    type: 'string',
    maxLength: 16,
    description: 'Where the machine is in its life.',
    ...rules({
      rule: "!(oldSelf in ['Terminating', 'Deleting']) || self in ['Terminating', 'Deleting', 'Failed']",
      message: 'a machine that is on its way out does not come back',
    }),
  }),
  nodeName: Type.Optional(text('Name of its Node.', 253)),
  vpsieStatus: Type.Optional(text("VPSie's word for the state of the machine.", 64)),
  hostname: Type.Optional(text('Host name of the machine.', 253)),
  resources: Type.Optional(
    Type.Object({
      cpu: Type.Integer({ description: 'Cores.' }),
      memoryMB: Type.Integer({ description: 'Memory.' }),
      diskGB: Type.Integer({ description: 'Disk.' }),
      bandwidthGB: Type.Optional(Type.Integer({ description: 'Traffic a month.' })),
    }),
  ),
  createdAt: Type.Optional(timestamp('When the VPSieNode was first handled.')),
  provisionedAt: Type.Optional(timestamp('When the machine ran.')),
  joinedAt: Type.Optional(timestamp('When its Node registered.')),
  readyAt: Type.Optional(timestamp('When its Node was ready.')),
  terminatingAt: Type.Optional(timestamp('When its removal began.')),
  deletedAt: Type.Optional(timestamp('When the deletion of the machine was sent.')),
  conditions: Type.Optional(conditions),
  lastError: Type.Optional(text('Last thing that went wrong.', 2048)),
  observedGeneration: Type.Optional(
    Type.Integer({ minimum: 0, description: 'metadata.generation this speaks of.' }),
  ),
})

export const vpsieNodeSchema = kindSchema(
  'VPSieNode',
  'The claim to one machine at VPSie: the record of its order, its identity and its end.',
  vpsieNodeSpec,
  vpsieNodeStatus,
)

export type VPSieNode = Static<typeof vpsieNodeSchema>
export type VPSieNodeSpec = VPSieNode['spec']
export type VPSieNodeStatus = NonNullable<VPSieNode['status']>
