import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/log.ts'
import { type Credentials, sameCredentials } from './credentials.ts'
import type { VPSieMetrics } from './metrics.ts'

/** Watches whether VPSie accepts the credentials, and how a change of them goes. */
export interface RotationWatch {
  /** Tells which credentials are in use from now on. */
  use(credentials: Credentials): void
  accepted(): void
  rejected(): void
}

/** Reports by metric and log. The credentials themselves stay here. */
export function createRotationWatch(deps: {
  clock: Clock
  log: Logger
  metrics: VPSieMetrics
}): RotationWatch {
  const { clock, log, metrics } = deps
  let inUse: Credentials | undefined
  let begunAt: number | undefined

  return {
    use(credentials) {
      if (inUse && !sameCredentials(inUse, credentials)) {
        begunAt = clock.monotonic()
        metrics.credential_rotation_attempts_total.inc()
        log.info('credentials of the VPSie API have changed')
      }
      inUse = credentials
    },
    accepted() {
      metrics.credential_valid.set(1)
      if (begunAt === undefined) return
      metrics.credential_rotation_successes_total.inc()
      metrics.credential_rotation_duration_seconds.observe((clock.monotonic() - begunAt) / 1000)
      begunAt = undefined
      log.info('VPSie accepts the changed credentials')
    },
    rejected() {
      metrics.credential_valid.set(0)
      if (begunAt === undefined) return
      metrics.credential_rotation_failures_total.inc()
      begunAt = undefined
      log.warn('VPSie refuses the changed credentials')
    },
  }
}
