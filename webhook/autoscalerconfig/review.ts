import { type AutoscalerConfig, autoscalerConfigSchema } from '../../common/api/autoscalerconfig.ts'
import { checkStructure, unknownFields } from '../../common/api/check.ts'
import { configName } from '../../common/api/names.ts'
import { forbidden, invalid, type Violation } from '../../common/api/violation.ts'
import { checkLabels, checkTaints } from '../names.ts'
import type { Review } from '../paths.ts'
import { ratchet } from '../ratchet.ts'

/** Holds an AutoscalerConfig to its rules. */
export const validateAutoscalerConfig: Review = ({ namespaces }, { object, oldObject }) => {
  const config = object as AutoscalerConfig
  const old = oldObject as AutoscalerConfig | undefined
  const before = old && { object: old, check: () => checkConfig(old) }
  return {
    violations: ratchet(checkConfig(config), config, before),
    warnings: [
      ...unknownFields(autoscalerConfigSchema, config).map((field) => `${field} is not known and is dropped`),
      ...configWarnings(config, namespaces),
    ],
  }
}

function checkConfig(config: AutoscalerConfig): Violation[] {
  const structure = checkStructure(autoscalerConfigSchema, config)
  const {
    minNodes = 1,
    maxNodes = 10,
    labels = {},
    taints = [],
    spotConfig,
  } = config.spec?.nodeGroupDefaults ?? {}
  const at = 'spec.nodeGroupDefaults'
  const isBroken = structure.some(({ code }) => code === 'FieldValueTypeInvalid')
  return [
    ...structure,
    ...(minNodes > maxNodes
      ? [invalid(`${at}.minNodes`, minNodes, `must not be greater than maxNodes, which is ${maxNodes}`)]
      : []),
    ...(isBroken ? [] : [...checkLabels(labels, `${at}.labels`), ...checkTaints(taints, `${at}.taints`)]),
    ...(spotConfig?.enabled ? [forbidden(`${at}.spotConfig.enabled`, 'VPSie sells no spot machines')] : []),
  ]
}

function configWarnings({ metadata, spec }: AutoscalerConfig, namespaces: readonly string[]): string[] {
  const { namespace } = spec?.nodeGroupDefaults ?? {}
  const { enableDynamicNodeGroupCreation, enableRebalancing, podEvictionTimeoutSeconds } =
    spec?.globalSettings ?? {}
  const settings = 'spec.globalSettings'
  return [
    ...(metadata.name === configName ? [] : [`only the AutoscalerConfig named "${configName}" is read`]),
    ...(namespace && !namespaces.includes(namespace)
      ? [`spec.nodeGroupDefaults.namespace has no effect: NodeGroups live in ${namespaces.join(', ')}`]
      : []),
    ...(enableDynamicNodeGroupCreation
      ? [`${settings}.enableDynamicNodeGroupCreation has no effect: people make NodeGroups`]
      : []),
    ...(enableRebalancing ? [`${settings}.enableRebalancing has no effect yet: nodes are not replaced`] : []),
    ...(podEvictionTimeoutSeconds !== undefined
      ? [`${settings}.podEvictionTimeoutSeconds has no effect: see drain.timeoutSeconds`]
      : []),
  ]
}
