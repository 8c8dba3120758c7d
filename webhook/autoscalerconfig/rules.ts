import type { AutoscalerConfig } from '../../common/api/autoscalerconfig.ts'
import { configName } from '../../common/api/names.ts'
import { unsupported } from '../../common/api/violation.ts'
import type { ReviewDeps } from '../paths.ts'
import { type Advice, none, type Rule } from '../rule.ts'
import type { Settings } from '../settings/settings.ts'

/** An AutoscalerConfig under review; its settings are the presets. */
export interface Subject extends Settings, ReviewDeps {
  config: AutoscalerConfig
}

const name: Rule<Subject> = {
  name: 'config-name',
  fields: ['metadata.name'],
  says: `it is "${configName}": no other AutoscalerConfig is read`,
  cel: [`only the AutoscalerConfig named "${configName}" is read`],
  check({ config: { metadata } }) {
    return metadata.name === configName ? none : [unsupported('metadata.name', metadata.name, [configName])]
  },
}

/** What an AutoscalerConfig is held to, besides the schema and the rules of its presets. */
export const configRules: readonly Rule<Subject>[] = [name]

const namespace: Advice<Subject> = {
  name: 'config-namespace',
  says: 'a nodeGroupDefaults.namespace that is none of --namespaces has no effect',
  warn({ config, namespaces }) {
    const preset = config.spec.nodeGroupDefaults?.namespace
    return preset && !namespaces.includes(preset)
      ? [`spec.nodeGroupDefaults.namespace has no effect: NodeGroups live in ${namespaces.join(', ')}`]
      : none
  },
}

const withoutEffect: Advice<Subject> = {
  name: 'config-without-effect',
  says: 'enableDynamicNodeGroupCreation and podEvictionTimeoutSeconds have no effect',
  warn({ config }) {
    const { enableDynamicNodeGroupCreation, podEvictionTimeoutSeconds } = config.spec.globalSettings ?? {}
    const at = 'spec.globalSettings'
    return [
      ...(enableDynamicNodeGroupCreation
        ? [`${at}.enableDynamicNodeGroupCreation has no effect: people make NodeGroups`]
        : []),
      ...(podEvictionTimeoutSeconds === undefined
        ? []
        : [`${at}.podEvictionTimeoutSeconds has no effect: see drain.timeoutSeconds`]),
    ]
  },
}

const sums: Advice<Subject> = {
  name: 'config-sums',
  says: 'globalSettings.maxClusterWorkers is below the minNodes of the presets, or of all NodeGroups together',
  warn({ config, surroundings }) {
    const { globalSettings, nodeGroupDefaults } = config.spec
    const limit = globalSettings?.maxClusterWorkers
    if (!limit || limit < 0) return none
    const preset = nodeGroupDefaults?.minNodes ?? 0
    const sum = (surroundings.nodeGroups() ?? []).reduce(
      (total, { spec }) => total + (spec?.minNodes ?? 0),
      0,
    )
    return [
      ...(preset > limit
        ? [`spec.nodeGroupDefaults.minNodes ${preset} is more than maxClusterWorkers ${limit} allows`]
        : []),
      ...(sum > limit
        ? [`spec.globalSettings.maxClusterWorkers ${limit} is below the minNodes of all NodeGroups, ${sum}`]
        : []),
    ]
  },
}

/** What is legal in an AutoscalerConfig and worth a word. */
export const configAdvice: readonly Advice<Subject>[] = [namespace, withoutEffect, sums]
