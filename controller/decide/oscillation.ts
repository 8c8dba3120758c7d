import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import type { Group } from './groups.ts'
import type { Reason } from './plan.ts'

/** How far back changes of a group's size are remembered: an hour, in ms. */
export const historyMs = 3_600_000

/** Why a node of the size stays: the group has added and removed the size twice within an hour. */
export function oscillating({ object }: Group, offering: string, now: number): Reason | undefined {
  const recent = (object.status?.recentChanges ?? []).filter(
    (change) => change.offering === offering && (fromTimestamp(change.time) ?? 0) > now - historyMs,
  )
  const removals = recent.filter(({ type }) => type === 'Remove').length
  const [first] = recent
  if (removals < 2 || recent.length - removals < 2 || !first) return undefined
  const until = toTimestamp((fromTimestamp(first.time) ?? now) + historyMs)
  return {
    code: 'Oscillation',
    message: `size ${offering} was added and removed twice within an hour; held until ${until}`,
  }
}
