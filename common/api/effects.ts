/**
 * What a field does in a mode: `none` is accepted with a warning at admission, `refused` is not accepted. Only fields that
 * are not in full effect in both modes are listed, by their path in the spec of a NodeGroup; what is below them is as they
 * are.
 */
export type Effect = 'full' | 'none' | 'refused'

export interface Effects {
  managed: Effect
  vm: Effect
}

const ofMachines: Effects = {
  managed: 'none',
  vm: 'full',
}
const forPods: Effects = { managed: 'none', vm: 'none' }

/** The fields that are without effect, or refused, in a mode. */
export const fieldEffects: Readonly<Record<string, Effects>> = {
  osImageID: ofMachines,
  sshKeyIDs: ofMachines,
  tags: ofMachines,
  notes: ofMachines,
  cloudInit: {
    managed: 'refused',
    vm: 'full',
  },
  'multiRegion.enabled': {
    managed: 'refused',
    vm: 'full',
  },
  'scaleUpPolicy.cpuThreshold': forPods,
  'scaleUpPolicy.memoryThreshold': forPods,
  'costOptimization.maxPerformanceImpact': {
    managed: 'none',
    vm: 'none',
  },
  spotConfig: { managed: 'none', vm: 'none' },
  'spotConfig.enabled': {
    managed: 'refused',
    vm: 'refused',
  },
}

/** The managed-mode settings that VPSie's call for a worker does not take. */
export const machineSettings = Object.entries(fieldEffects)
  .filter(([, effects]) => effects === ofMachines)
  .map(([name]) => name)

/** The effects of a field, or of the nearest field above it that is listed. */
export function effectsOf(path: string): Effects | undefined {
  const parts = path.split('.')
  for (let end = parts.length; end > 0; end--) {
    const found = fieldEffects[parts.slice(0, end).join('.')]
    if (found) return found
  }
  return undefined
}
