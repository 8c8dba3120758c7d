import type { NodeGroup, NodeGroupStatus } from '../../common/api/nodegroup.ts'
import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import { historyMs } from '../decide/oscillation.ts'
import type { Action } from '../decide/plan.ts'

type Change = NonNullable<NodeGroupStatus['recentChanges']>[number]

// As the schema has it; more changes than that within an hour are an oscillation by any measure.
const mostChanges = 64

/** The group's turns of the last hour with those of the actions; what goes on in the same direction is no new turn. */
export function changesWith(
  { status }: NodeGroup,
  actions: readonly Action[],
  type: Change['type'],
  now: number,
): Change[] {
  const recent = (status?.recentChanges ?? []).filter(
    ({ time }) => (fromTimestamp(time) ?? 0) > now - historyMs,
  )
  const counts = new Map<string, number>()
  for (const { offering = '', count = 0 } of actions)
    counts.set(offering, (counts.get(offering) ?? 0) + count)
  const turns = [...counts]
    .filter(([offering, count]) => offering !== '' && count > 0)
    .filter(([offering]) => recent.findLast((one) => one.offering === offering)?.type !== type)
    .map(([offering, count]): Change => ({ time: toTimestamp(now), type, offering, count }))
  return [...recent, ...turns].slice(-mostChanges)
}
