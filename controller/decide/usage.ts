import type { Cluster } from './cluster.ts'
import type { Group } from './groups.ts'
import type { Reason } from './plan.ts'

/** Share of the window that must be covered by fresh reports before usage counts as known. */
const leastCoverage = 0.8
/** Share of time in which everything waited for memory, above which a node is under pressure. */
const mostMemoryFull = 0.01

/**
 * What the node's agent reports against its removal; usage only ever vetoes. A node that is replaced may be used as much
 * as it likes: where its pods go was chosen with that in mind.
 */
export function usageReasons(
  node: string,
  { limits }: Group,
  { state }: Cluster,
  isReplaced = false,
): Reason[] {
  if (!state.usage) return []
  const usage = state.usage.get(node)
  if (!usage) return [{ code: 'UsageUnknown', message: 'its agent has reported nothing' }]
  const { cpuPercent, memoryPercent, memoryFull = 0, coverage } = usage
  if (coverage < leastCoverage) {
    const message = `reports cover ${percentText(coverage * 100)} of the window, ${percentText(leastCoverage * 100)} are needed`
    return [{ code: 'UsageUnknown', message }]
  }
  const found: Reason[] = []
  const high = (name: string, value: number, limit: number) => {
    if (value > limit && !isReplaced)
      found.push({
        code: 'UsageHigh',
        message: `${name} usage is ${percentText(value)}, the threshold is ${percentText(limit)}`,
      })
  }
  high('CPU', cpuPercent, limits.cpuPercent)
  high('memory', memoryPercent, limits.memoryPercent)
  if (memoryFull > mostMemoryFull) {
    found.push({
      code: 'MemoryPressure',
      message: `everything waited for memory ${percentText(memoryFull * 100)} of the time, ${percentText(mostMemoryFull * 100)} are allowed`,
    })
  }
  return found
}

export function percentText(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value * 10) / 10} %` : 'more than all'
}
