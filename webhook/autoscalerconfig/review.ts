import { type AutoscalerConfig, autoscalerConfigSpec } from '../../common/api/autoscalerconfig.ts'
import type { Review, ReviewDeps } from '../paths.ts'
import { ratchet } from '../ratchet.ts'
import { violationsOf, warningsOf } from '../rule.ts'
import { settingsRules } from '../settings/rules.ts'
import { join, read } from '../settings/settings.ts'
import { settingsAdvice } from '../settings/warnings.ts'
import { configAdvice, configRules, type Subject } from './rules.ts'

/** Holds an AutoscalerConfig to its rules. */
export const validateAutoscalerConfig: Review = (deps, { object, oldObject }) => {
  const old = oldObject as AutoscalerConfig | undefined
  const { violations, subject } = check(deps, object as AutoscalerConfig)
  const before = old && { object: old, check: () => check(deps, old).violations }
  return {
    violations: ratchet(violations, object, before),
    warnings: [...warningsOf(configAdvice, subject), ...warningsOf(settingsAdvice, subject)],
  }
}

const at = 'spec.nodeGroupDefaults'

function check({ surroundings, namespaces }: ReviewDeps, config: AutoscalerConfig) {
  const { value, structure } = read(autoscalerConfigSpec, config.spec, 'spec')
  const spec = value as AutoscalerConfig['spec']
  const { minNodes = 1, maxNodes = 10, ...presets } = spec.nodeGroupDefaults ?? {}
  const settings = spec.nodeGroupDefaults ? { ...presets, minNodes, maxNodes } : {}
  const subject: Subject = { surroundings, namespaces, config: { ...config, spec }, settings, at }
  const found = [...violationsOf(settingsRules, subject), ...violationsOf(configRules, subject)]
  return { violations: join(structure, found), subject }
}
