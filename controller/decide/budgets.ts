import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { isTimeZone, lastStart, parseCron } from '../../common/cron.ts'
import { InputError } from '../../common/errors.ts'
import type { Group } from './groups.ts'

const defaultBudget = '10%'

/** How many of `size` nodes may be leaving at once: a number, or a percentage rounded up. */
export function countOf(budget: number | string, size: number): number {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(String(budget))?.[1]
  return percent === undefined ? Number(budget) : Math.ceil((Number(percent) * size) / 100)
}

/** The budget of a NodeGroup of `size` nodes, whatever its windows say. */
export function budgetOf(nodeGroup: NodeGroup, size: number): number {
  return countOf(nodeGroup.spec.disruption?.maxUnavailable ?? defaultBudget, size)
}

/** Nodes that may be unavailable now, or the sentence why no removal begins at this time. */
export function budgetNow({ spec, members }: Group, now: number): { count: number } | { closed: string } {
  const { windows = [], maxUnavailable } = spec.disruption
  const general = maxUnavailable ?? defaultBudget
  if (windows.length === 0) return { count: countOf(general, members.length) }
  const open = windows.filter((window) => isOpen(window, now))
  if (open.length === 0) return { closed: `none of its ${windows.length} disruption windows is open` }
  return {
    count: Math.min(...open.map((window) => countOf(window.maxUnavailable ?? general, members.length))),
  }
}

type Window = NonNullable<Group['spec']['disruption']['windows']>[number]

/** A window that cannot be read never opens: admission refuses it, and doubt keeps nodes. */
function isOpen({ schedule, durationSeconds, timeZone = 'UTC' }: Window, now: number): boolean {
  if (!isTimeZone(timeZone)) return false
  try {
    return lastStart(parseCron(schedule, 'schedule'), timeZone, now, durationSeconds * 1000) !== undefined
  } catch (error) {
    if (error instanceof InputError) return false
    throw error
  }
}

/** True if `HH:MM-HH:MM` (UTC, over midnight too) holds at `now`; a text of another form never does. */
export function withinHours(text: string, now: number): boolean {
  const [, fromHour, fromMinute, toHour, toMinute] =
    /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/.exec(text.trim()) ?? []
  if (fromHour === undefined) return false
  const from = Number(fromHour) * 60 + Number(fromMinute)
  const to = Number(toHour) * 60 + Number(toMinute)
  const at = new Date(now).getUTCHours() * 60 + new Date(now).getUTCMinutes()
  return from <= to ? at >= from && at < to : at >= from || at < to
}
