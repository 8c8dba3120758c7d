import Type from 'typebox'
import { distinct, forms, mapOf, percent, rules, seconds, text } from './schema.ts'

/**
 * The policies of a NodeGroup. AutoscalerConfig can preset all but multiRegion: hence `builtInDefault` and no
 * `default`. Those with `builtInDefault: {}` are always there, the others act only where they are written.
 */

export const scaleUpPolicy = Type.Object(
  {
    enabled: Type.Optional(
      Type.Boolean({ builtInDefault: true, description: 'Add nodes for pods that fit nowhere.' }),
    ),
    stabilizationWindowSeconds: Type.Optional(
      seconds('How long a pod must have been unschedulable before nodes are bought for it.', 0, 1800, {
        builtInDefault: 0,
      }),
    ),
    cpuThreshold: Type.Optional(percent('Without effect: nodes are added for pods, not for load.')),
    memoryThreshold: Type.Optional(percent('Without effect: nodes are added for pods, not for load.')),
  },
  { description: 'When nodes are added.', builtInDefault: {} },
)

export const scaleDownPolicy = Type.Object(
  {
    enabled: Type.Optional(
      Type.Boolean({ builtInDefault: true, description: 'Remove nodes that are not needed.' }),
    ),
    stabilizationWindowSeconds: Type.Optional(
      seconds('How long a node must have been unneeded without a break.', 0, 3600, { builtInDefault: 600 }),
    ),
    cpuThreshold: Type.Optional(
      percent('A node is unneeded only while its CPU requests and usage are at or below this share.', {
        builtInDefault: 50,
      }),
    ),
    memoryThreshold: Type.Optional(
      percent('A node is unneeded only while its memory requests and usage are at or below this share.', {
        builtInDefault: 50,
      }),
    ),
    cooldownSeconds: Type.Optional(
      seconds('Pause after a removal from this group before the next one.', 0, 3600, { builtInDefault: 600 }),
    ),
  },
  { description: 'When nodes are removed.', builtInDefault: {} },
)

export const spotConfig = Type.Object(
  {
    enabled: Type.Optional(
      Type.Boolean({ builtInDefault: false, description: 'Must be false: VPSie sells no spot machines.' }),
    ),
    maxSpotPercentage: Type.Optional(percent('Without effect.', { builtInDefault: 80 })),
    fallbackToOnDemand: Type.Optional(Type.Boolean({ builtInDefault: true, description: 'Without effect.' })),
    interruptionGracePeriod: Type.Optional(text('Without effect.', 32, { builtInDefault: '120s' })),
    allowedInterruptionRate: Type.Optional(percent('Without effect.', { builtInDefault: 20 })),
  },
  {
    description: 'VPSie has no spot machines; kept so that existing manifests apply.',
    ...rules({
      rule: '!has(self.enabled) || !self.enabled',
      message: 'VPSie sells no spot machines: enabled must be false',
      fieldPath: '.enabled',
    }),
  },
)

export const distributionStrategies = ['balanced', 'weighted', 'primary-backup'] as const

export const multiRegion = Type.Object(
  {
    enabled: Type.Optional(
      Type.Boolean({ default: false, description: 'Spread new nodes over datacenters (vm only).' }),
    ),
    datacenterIDs: Type.Optional(
      Type.Array(text('Datacenter identifier.', 64, { minLength: 1 }), {
        maxItems: 16,
        description: 'Where nodes may be.',
        ...rules(distinct),
      }),
    ),
    distributionStrategy: Type.Optional(
      Type.Enum([...distributionStrategies], {
        type: 'string',
        default: 'balanced',
        description:
          'balanced: equal shares. weighted: by weightedDistribution. primary-backup: primary first.',
      }),
    ),
    weightedDistribution: Type.Optional(
      mapOf(percent('Share of the nodes.'), {
        maxProperties: 16,
        description: 'Percent of the nodes by datacenter; together 100.',
      }),
    ),
    primaryDatacenter: Type.Optional(text('One of datacenterIDs.', 64)),
    minNodesPerRegion: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10_000, default: 1, description: 'Nodes each datacenter keeps.' }),
    ),
  },
  {
    description: 'Distribution over datacenters.',
    ...rules(
      {
        rule: '!has(self.enabled) || !self.enabled || (has(self.datacenterIDs) && size(self.datacenterIDs) > 0)',
        message: 'datacenterIDs must name at least one datacenter when multiRegion is enabled',
        fieldPath: '.datacenterIDs',
        reason: 'FieldValueRequired',
      },
      {
        rule:
          "!has(self.enabled) || !self.enabled || !has(self.distributionStrategy) || self.distributionStrategy != 'weighted' || " +
          '(has(self.weightedDistribution) && self.weightedDistribution.map(k, self.weightedDistribution[k]).sum() == 100)',
        message: 'the shares of weightedDistribution must add up to 100 with distributionStrategy weighted',
        fieldPath: '.weightedDistribution',
      },
      {
        rule:
          "!has(self.enabled) || !self.enabled || !has(self.distributionStrategy) || self.distributionStrategy != 'weighted' || " +
          '!has(self.weightedDistribution) || self.weightedDistribution.all(k, has(self.datacenterIDs) && k in self.datacenterIDs)',
        message: 'weightedDistribution must name only datacenters of datacenterIDs',
        fieldPath: '.weightedDistribution',
      },
      {
        rule:
          "!has(self.enabled) || !self.enabled || !has(self.distributionStrategy) || self.distributionStrategy != 'primary-backup' || " +
          '(has(self.primaryDatacenter) && has(self.datacenterIDs) && self.primaryDatacenter in self.datacenterIDs)',
        message: 'primaryDatacenter must be one of datacenterIDs with distributionStrategy primary-backup',
        fieldPath: '.primaryDatacenter',
      },
    ),
  },
)

export const costStrategies = ['auto', 'manual', 'aggressive', 'conservative'] as const

export const costOptimization = Type.Object(
  {
    enabled: Type.Optional(
      Type.Boolean({ builtInDefault: true, description: 'Replace nodes by cheaper ones.' }),
    ),
    strategy: Type.Optional(
      Type.Enum([...costStrategies], {
        type: 'string',
        builtInDefault: 'auto',
        description: 'manual implies requireApproval.',
      }),
    ),
    optimizationInterval: Type.Optional(
      text('Least time between two replacements of the group.', 32, {
        builtInDefault: '24h',
        ...forms.duration,
      }),
    ),
    minMonthlySavings: Type.Optional(
      Type.Number({
        minimum: 0,
        builtInDefault: 10,
        description: 'Least saving of a replacement in account currency a month.',
      }),
    ),
    maxPerformanceImpact: Type.Optional(percent('Without effect.', { builtInDefault: 5 })),
    requireApproval: Type.Optional(
      Type.Boolean({
        builtInDefault: false,
        description: 'Wait for annotation autoscaler.vpsie.com/approve naming the plan.',
      }),
    ),
  },
  { description: 'Replacement of nodes by cheaper ones; inactive when absent.' },
)
