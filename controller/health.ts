import { certificateProblem } from '../common/http/certificate.ts'
import type { RunningServer } from '../common/http/server.ts'
import { type Caches, unsynced } from './observe/caches.ts'
import type { ControllerOptions } from './options.ts'
import type { Progress } from './progress.ts'

// A pass may wait for a slow VPSie; one that takes much longer than all its deadlines together is stuck.
const leastStuckMs = 300_000

/** Why the process should be restarted: a loop that stands still. Nothing outside the process counts. */
export function liveProblem(progress: Progress, options: ControllerOptions, now: number): string | undefined {
  return progress.stuck(now, Math.max(leastStuckMs, 10 * options['scan-interval']))
}

/** Why this replica could not take over now; one that stands by is ready all the same. */
export function readyProblem(
  caches: Caches,
  ingest: RunningServer | undefined,
  now: number,
): string | undefined {
  const missing = unsynced(caches)
  if (missing.length > 0) return `not synced: ${missing.join(', ')}`
  return certificateProblem(ingest?.certificate, now)
}
