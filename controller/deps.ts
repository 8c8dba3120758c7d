import type { Clock } from '../common/clock.ts'
import type { KubeClient } from '../common/kube/client.ts'
import type { EventRecorder } from '../common/kube/events.ts'
import type { Logger } from '../common/log.ts'
import type { UsageStore } from './ingest/store.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { Caches } from './observe/caches.ts'
import type { Offers } from './observe/offers.ts'
import type { ControllerOptions } from './options.ts'
import type { Progress } from './progress.ts'
import type { Records } from './record/records.ts'
import type { VPSieProvider } from './vpsie/provider.ts'
import type { Wake } from './wake.ts'

/** What the controller's loops work with; a function takes the part of it that it uses. */
export interface ControllerDeps {
  client: KubeClient
  provider: VPSieProvider
  caches: Caches
  offers: Offers
  usage: UsageStore
  events: EventRecorder
  metrics: ControllerMetrics
  log: Logger
  clock: Clock
  options: ControllerOptions
  /** Source of chance in [0, 1) for waits between tries. */
  random: () => number
  progress: Progress
  records: Records
  /** Wakes the loop that decides. */
  wakeDecision: Wake
  /** Wakes the loop that looks after machines. */
  wakeMachines: Wake
}
