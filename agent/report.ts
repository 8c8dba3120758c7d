import { type Clock, toTimestamp } from '../common/clock.ts'
import { type Inventory, type Report, reportVersion } from '../common/report.ts'
import type { WindowFigures } from './usage.ts'

/** What else a report says. */
export interface Extras {
  /** Left out while there is none. */
  inventory?: Inventory | undefined
  /** The agent is stopping. */
  final?: boolean
}

/** Makes a report of figures; each one has the next `seq`. */
export type MakeReport = (figures: WindowFigures, extras?: Extras) => Report

/** A start of an agent: the machine's boot, and which start it is within that. */
export function bootIdOf(kernelBootId: string, startId: string): string {
  return `${kernelBootId}/${startId}`
}

/** Begins the reports of one start of an agent, with `seq` 1. */
export function startReports(
  { clock, uptimeSeconds }: { clock: Clock; uptimeSeconds: () => number | undefined },
  { node, bootId }: { node: string; bootId: string },
): MakeReport {
  let seq = 0
  return (figures, { inventory, final = false } = {}) => ({
    version: reportVersion,
    node,
    bootId,
    seq: ++seq,
    at: toTimestamp(clock.now()),
    // Where the machine does not show its own, the agent's monotonic clock: it never goes back within a bootId either.
    uptimeSeconds: uptimeSeconds() ?? clock.monotonic() / 1000,
    ...figures,
    ...(inventory ? { inventory } : {}),
    ...(final ? { final } : {}),
  })
}
