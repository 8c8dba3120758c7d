import { machineSettings } from '../../common/api/effects.ts'
import { type Advice, none } from '../rule.ts'
import type { Settings } from './settings.ts'

const notForMachines: Advice<Settings> = {
  name: 'machine-settings',
  says: `${machineSettings.join(', ')} have no effect: VPSie sets up managed workers itself`,
  warn({ settings, at }) {
    if (settings.provisioner === 'vm') return none
    const set = machineSettings.filter(
      (name) => (settings as Record<string, { length?: number }>)[name]?.length,
    )
    return set.length === 0
      ? none
      : set.map((name) => `${at}.${name} has no effect: VPSie sets up managed workers itself`)
  },
}

const growThresholds: Advice<Settings> = {
  name: 'grow-thresholds',
  says: 'the thresholds of scaleUpPolicy have no effect: nodes are added for pods, not for load',
  warn({ settings: { scaleUpPolicy }, at }) {
    if (!scaleUpPolicy) return none
    return (['cpuThreshold', 'memoryThreshold'] as const)
      .filter((name) => scaleUpPolicy[name] !== undefined)
      .map((name) => `${at}.scaleUpPolicy.${name} has no effect: nodes are added for pods, not for load`)
  },
}

const spotSettings: Advice<Settings> = {
  name: 'spot-settings',
  says: 'spotConfig has no effect: VPSie sells no spot machines',
  warn({ settings: { spotConfig }, at }) {
    return spotConfig && !spotConfig.enabled
      ? [`${at}.spotConfig has no effect: VPSie sells no spot machines`]
      : none
  },
}

const defaultImpact = 5

const performanceImpact: Advice<Settings> = {
  name: 'performance-impact',
  says: 'costOptimization.maxPerformanceImpact has no effect: what nodes really use must find room in any case',
  warn({ settings: { costOptimization }, at }) {
    const { maxPerformanceImpact: impact } = costOptimization ?? {}
    // The API server fills in the predecessor's default, which is nobody's wish.
    return impact === undefined || impact === defaultImpact
      ? none
      : [`${at}.costOptimization.maxPerformanceImpact has no effect: use must find room in any case`]
  },
}

const regionsOff: Advice<Settings> = {
  name: 'regions-off',
  says: 'multiRegion has no effect while it is not enabled',
  warn({ settings: { multiRegion }, at }) {
    return multiRegion && !multiRegion.enabled && multiRegion.datacenterIDs?.length
      ? [`${at}.multiRegion has no effect while it is not enabled`]
      : none
  },
}

const onlySize: Advice<Settings> = {
  name: 'only-size',
  says: 'preferredInstanceType has no effect with one size',
  warn({ settings: { preferredInstanceType, offeringIDs }, at }) {
    return preferredInstanceType && offeringIDs?.length === 1
      ? [`${at}.preferredInstanceType has no effect with one size`]
      : none
  },
}

const noRemovals: Advice<Settings> = {
  name: 'no-removals',
  says: 'disruption.maxUnavailable 0 means that no node is ever removed for want of need',
  warn({ settings: { disruption, scaleDownPolicy }, at }) {
    const budget = disruption?.maxUnavailable
    return (budget === 0 || budget === '0%') && scaleDownPolicy?.enabled !== false
      ? [`${at}.disruption.maxUnavailable ${budget} keeps every node, needed or not`]
      : none
  },
}

const shortDrain: Advice<Settings> = {
  name: 'short-drain',
  says: 'a drain.timeoutSeconds below maxPodGracePeriodSeconds gives a drain up while a pod may still be ending',
  warn({ settings: { drain }, at }) {
    const { timeoutSeconds = 900, maxPodGracePeriodSeconds = 600 } = drain ?? {}
    return timeoutSeconds < maxPodGracePeriodSeconds
      ? [`${at}.drain.timeoutSeconds ${timeoutSeconds} ends a drain before maxPodGracePeriodSeconds are over`]
      : none
  },
}

const noMoney: Advice<Settings> = {
  name: 'no-money',
  says: 'maxMonthlyCost 0 buys no machine; minMonthlySavings above maxMonthlyCost can never be saved',
  warn({ settings: { maxMonthlyCost, costOptimization }, at }) {
    if (maxMonthlyCost === undefined) return none
    if (maxMonthlyCost === 0) return [`${at}.maxMonthlyCost 0 lets no machine be bought`]
    const savings = costOptimization?.minMonthlySavings
    return savings !== undefined && savings > maxMonthlyCost
      ? [`${at}.costOptimization.minMonthlySavings ${savings} is more than maxMonthlyCost: never reached`]
      : none
  },
}

/** What is legal in settings and has no effect, or one that nobody wants. */
export const settingsAdvice: readonly Advice<Settings>[] = [
  notForMachines,
  growThresholds,
  spotSettings,
  performanceImpact,
  regionsOff,
  onlySize,
  noRemovals,
  shortDrain,
  noMoney,
]
