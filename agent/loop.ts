import { createHash } from 'node:crypto'
import type { Clock } from '../common/clock.ts'
import type { Inventory } from '../common/report.ts'
import type { Pusher } from './push/pusher.ts'
import type { MakeReport } from './report.ts'
import type { Sampler } from './sampler.ts'
import type { WindowFigures } from './usage.ts'

export interface LoopDeps {
  clock: Clock
  sampler: Pick<Sampler, 'take'>
  pusher: Pick<Pusher, 'push' | 'finish' | 'paceMs'>
  makeReport: MakeReport
  /** What is known of the machine by now. */
  inventory: () => Inventory | undefined
  random?: () => number
}

export interface LoopOptions {
  node: string
  /** Until a controller asks for another pace. */
  reportIntervalMs: number
}

// A pod has 10 s to end, of which the listener takes some too.
const finishMs = 3_000
const jitter = 0.05

/**
 * Reports until `signal` aborts, then sends a last report that makes the node unknown at once. Where in the interval
 * a node reports follows from its name, so that a fleet that restarts as one does not report as one.
 */
export async function reportOnAndOn(
  deps: LoopDeps,
  { node, reportIntervalMs }: LoopOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, sampler, pusher, makeReport, inventory, random = Math.random } = deps
  const pause = (ms: number) => clock.sleep(ms, signal).catch(() => undefined)
  let last: WindowFigures | undefined
  await pause(phaseOf(node) * reportIntervalMs)
  while (!signal.aborted) {
    const figures = sampler.take()
    if (figures) pusher.push(makeReport(figures, { inventory: inventory() }))
    last = figures ?? last
    const pace = pusher.paceMs ?? reportIntervalMs
    await pause(pace * (1 + jitter * (2 * random() - 1)))
  }
  const figures = sampler.take() ?? last
  await pusher.finish(figures && makeReport(figures, { final: true }), finishMs)
}

/** 0 to 1, the same for a node always. */
export function phaseOf(node: string): number {
  return createHash('sha256').update(node).digest().readUInt32BE() / 2 ** 32
}
