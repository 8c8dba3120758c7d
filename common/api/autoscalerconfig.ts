import Type, { type Static } from 'typebox'
import { configName } from './names.ts'
import { presettable } from './nodegroup.ts'
import { kindSchema, rules, seconds, text, timestamp } from './schema.ts'

const nodeGroupDefaults = Type.Object(
  {
    namespace: Type.Optional(text('Namespace of NodeGroups that are made on demand.', 63)),
    ...Type.Partial(Type.Object(presettable)).properties,
    minNodes: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10_000, default: 1, description: 'As in a NodeGroup.' }),
    ),
    maxNodes: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, default: 10, description: 'As in a NodeGroup.' }),
    ),
  },
  {
    description: 'Fill the fields that a NodeGroup leaves out; never change one that is there.',
    ...rules({
      rule:
        '!has(self.minNodes) || !has(self.maxNodes) || self.minNodes <= self.maxNodes || ' +
        '(oldSelf.?minNodes.orValue(-1) == self.minNodes && oldSelf.?maxNodes.orValue(-1) == self.maxNodes)',
      message: 'minNodes must not be greater than maxNodes',
      fieldPath: '.minNodes',
      optionalOldSelf: true,
    }),
  },
)

const globalSettings = Type.Object(
  {
    paused: Type.Optional(
      Type.Boolean({ default: false, description: 'Decide and explain, but do nothing.' }),
    ),
    scaleUpCooldownSeconds: Type.Optional(
      seconds('Pause after a growth of a group before its next one.', 0, 86_400),
    ),
    scaleDownCooldownSeconds: Type.Optional(
      seconds('Pause after any growth or removal before the next removal in the cluster.', 0, 86_400),
    ),
    maxConcurrentScaleUps: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Groups that may be growing at once.' }),
    ),
    maxConcurrentScaleDowns: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Groups that may be shrinking at once.' }),
    ),
    maxClusterWorkers: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Machines of all groups together; 0 is no limit.' }),
    ),
    unschedulablePodGracePeriodSeconds: Type.Optional(
      seconds('Pods younger than this get no node yet.', 0, 86_400),
    ),
    enableDynamicNodeGroupCreation: Type.Optional(
      Type.Boolean({ description: 'Without effect: NodeGroups are made by people.' }),
    ),
    enableRebalancing: Type.Optional(
      Type.Boolean({
        description: 'false: no group replaces nodes by cheaper ones, whatever its costOptimization says.',
      }),
    ),
    nodeReadyTimeoutSeconds: Type.Optional(
      seconds('How long a machine may take from order to ready Node.', 60, 86_400),
    ),
    podEvictionTimeoutSeconds: Type.Optional(
      seconds('How long one pod may take to leave before it is reported.', 0, 86_400),
    ),
  },
  { description: "Limits of the whole cluster; an absent one leaves it to the controller's options." },
)

export const autoscalerConfigSpec = Type.Object({
  nodeGroupDefaults: Type.Optional(nodeGroupDefaults),
  globalSettings: Type.Optional(globalSettings),
})

export const autoscalerConfigStatus = Type.Object({
  observedGeneration: Type.Optional(
    Type.Integer({ minimum: 0, description: 'metadata.generation this speaks of.' }),
  ),
  lastUpdated: Type.Optional(timestamp('When it was last taken over.')),
  active: Type.Optional(Type.Boolean({ description: 'Whether it is in use.' })),
  message: Type.Optional(text('Why not, or what has no effect.', 2048)),
})

export const autoscalerConfigSchema = kindSchema(
  'AutoscalerConfig',
  'Settings of the whole cluster; the one named default is used.',
  autoscalerConfigSpec,
  autoscalerConfigStatus,
  [
    {
      rule: `oldSelf.hasValue() || self.metadata.name == '${configName}'`,
      message: `only the AutoscalerConfig named "${configName}" is read`,
      optionalOldSelf: true,
    },
  ],
)

export type AutoscalerConfig = Static<typeof autoscalerConfigSchema>
export type AutoscalerConfigSpec = AutoscalerConfig['spec']
export type NodeGroupDefaults = Static<typeof nodeGroupDefaults>
export type GlobalSettings = Static<typeof globalSettings>
