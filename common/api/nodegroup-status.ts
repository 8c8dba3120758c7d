import Type from 'typebox'
import { conditions, mapOf, text, timestamp } from './schema.ts'

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

const learnedSize = Type.Object({
  offering: text('Size by name.', 64),
  allocatable: mapOf(text('Quantity.', 64), {
    maxProperties: 32,
    description: 'The least that a Node of the size has offered to pods.',
  }),
})

const change = Type.Object({
  time: timestamp('When the first of them was decided.'),
  type: Type.Enum(['Add', 'Remove'], { type: 'string' }),
  offering: text('Size by name.', 64),
  count: Type.Integer({ minimum: 1, description: 'Machines.' }),
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
  sizes: Type.Optional(
    Type.Array(learnedSize, { maxItems: 64, description: 'What Nodes really offer, size by size.' }),
  ),
  recentChanges: Type.Optional(
    Type.Array(change, { maxItems: 64, description: 'Growth and removals in turn within the last hour.' }),
  ),
  orphans: Type.Optional(
    Type.Array(text('A sentence.', 512), {
      maxItems: 20,
      description:
        'What VPSie and the cluster do not agree about: machines, VPSieNodes or Nodes without the other.',
    }),
  ),
  conditions: Type.Optional(conditions),
  monthlyCost: Type.Optional(Type.Number({ description: 'Of the machines now, in account currency.' })),
  lastDecisionTime: Type.Optional(timestamp('When the last plan was made.')),
  lastDecision: Type.Optional(text('What it was, in a sentence.', 2048)),
  lastScaleTime: Type.Optional(timestamp('Last change of size.')),
  lastScaleUpTime: Type.Optional(timestamp('Last growth.')),
  lastReplaceTime: Type.Optional(timestamp('Last replacement of nodes by cheaper ones.')),
  lastScaleDownTime: Type.Optional(timestamp('Last removal.')),
  observedGeneration: Type.Optional(
    Type.Integer({ minimum: 0, description: 'metadata.generation this speaks of.' }),
  ),
})
