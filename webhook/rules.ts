import { autoscalerConfigSchema } from '../common/api/autoscalerconfig.ts'
import { nodeGroupSchema } from '../common/api/nodegroup.ts'
import { vpsieNodeSchema } from '../common/api/vpsienode.ts'
import { configAdvice, configRules } from './autoscalerconfig/rules.ts'
import { nodeGroupRules } from './nodegroup/rules.ts'
import { nodeGroupAdvice } from './nodegroup/warnings.ts'
import type { Advice, Rule } from './rule.ts'
import { settingsRules } from './settings/rules.ts'
import { settingsAdvice } from './settings/warnings.ts'
import { vpsieNodeAdvice, vpsieNodeRules } from './vpsienode/rules.ts'

/** The part of a rule or an advice that tells of it. */
export type Told = Omit<Rule<never>, 'check'>
export type Warned = Omit<Advice<never>, 'warn'>

const presets = 'NodeGroup.spec and AutoscalerConfig.spec.nodeGroupDefaults'

/**
 * Every rule besides the types, bounds and forms of single fields, which are in the schemas: who is held to it, and
 * whether schema or CEL hold it too when the webhook is away.
 */
export const ruleTable: readonly { subject: string; rules: readonly Told[]; warnings: readonly Warned[] }[] =
  [
    { subject: presets, rules: settingsRules, warnings: settingsAdvice },
    { subject: 'NodeGroup', rules: nodeGroupRules, warnings: nodeGroupAdvice },
    { subject: 'VPSieNode', rules: vpsieNodeRules, warnings: vpsieNodeAdvice },
    { subject: 'AutoscalerConfig', rules: configRules, warnings: configAdvice },
  ]

/** The kinds that are reviewed, with the schema whose bounds both the API server and the webhook hold. */
export const reviewed = {
  NodeGroup: nodeGroupSchema,
  VPSieNode: vpsieNodeSchema,
  AutoscalerConfig: autoscalerConfigSchema,
} as const
