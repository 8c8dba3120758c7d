import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Watches how late the event loop runs; gives the milliseconds of the last five seconds' middle one. */
export function eventLoopLag(): () => number {
  const histogram = monitorEventLoopDelay({ resolution: 20 })
  histogram.enable()
  return () => {
    const lag = histogram.percentile(50) / 1e6
    // Only the recent past counts.
    if (histogram.count > 250) histogram.reset()
    return lag
  }
}
