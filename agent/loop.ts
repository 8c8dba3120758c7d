import { createHash } from 'node:crypto'
import { type Clock, toTimestamp } from '../common/clock.ts'
import { type Inventory, type Report, reportVersion } from '../common/report.ts'
import type { Pusher } from './push/pusher.ts'
import type { Sampler } from './sampler.ts'
import type { WindowFigures } from './usage.ts'

export interface LoopDeps {
  clock: Clock
  sampler: Sampler
  pusher: Pusher
  /** The inventory to send along this time, if there is a new one. */
  inventory: () => Inventory | undefined
  random?: () => number
}

export interface LoopOptions {
  node: string
  bootId: string
  reportIntervalMs: number
}

const finishMs = 3_000
const jitter = 0.05

/**
 * Reports until `signal` aborts, then sends a last report that makes the node unknown at once. Where in the interval
 * a node reports follows from its name, so that a fleet that restarts as one does not report as one.
 */
export async function reportOnAndOn(
  deps: LoopDeps,
  options: LoopOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, sampler, pusher, inventory, random = Math.random } = deps
  const { node, bootId, reportIntervalMs } = options
  let seq = 0
  const make = (figures: WindowFigures, more: Partial<Report>): Report => ({
    version: reportVersion,
    node,
    bootId,
    seq: ++seq,
    at: toTimestamp(clock.now()),
    uptimeSeconds: clock.monotonic() / 1000,
    ...figures,
    ...more,
  })
  let last: WindowFigures | undefined
  await clock.sleep(phaseOf(node) * reportIntervalMs, signal).catch(() => undefined)
  while (!signal.aborted) {
    const figures = sampler.take()
    const news = inventory()
    if (figures) await pusher.push(make(figures, news ? { inventory: news } : {}))
    last = figures ?? last
    const pace = pusher.paceMs ?? reportIntervalMs
    await clock.sleep(pace * (1 + jitter * (2 * random() - 1)), signal).catch(() => undefined)
  }
  const figures = sampler.take() ?? last
  await pusher.finish(figures && make(figures, { final: true }), finishMs)
}

/** 0 to 1, the same for a node always. */
function phaseOf(node: string): number {
  return createHash('sha256').update(node).digest().readUInt32BE() / 2 ** 32
}
