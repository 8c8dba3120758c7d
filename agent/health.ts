import type { Clock } from '../common/clock.ts'
import type { Sampler } from './sampler.ts'

const stuckIntervals = 6

/**
 * Why the agent should be restarted: no sample for 6 intervals. Whether a controller listens does not come into it, or
 * an absent controller would restart the agents of a whole cluster. The time before the first sample counts too.
 */
export function samplingProblem(
  { clock, sampler }: { clock: Clock; sampler: Pick<Sampler, 'last'> },
  intervalMs: number,
): () => string | undefined {
  const started = clock.monotonic()
  return () => {
    const silentMs = clock.monotonic() - (sampler.last?.at ?? started)
    if (silentMs <= stuckIntervals * intervalMs) return undefined
    return `no sample for ${(silentMs / 1000).toFixed(1)} s: must be one every ${intervalMs / 1000} s`
  }
}
