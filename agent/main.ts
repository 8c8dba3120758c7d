import { randomUUID } from 'node:crypto'
import { systemClock as clock } from '../common/clock.ts'
import { startOperations } from '../common/http/operations.ts'
import { createMetrics } from '../common/metrics.ts'
import { runProgram } from '../common/program.ts'
import { followInventory } from './inventory.ts'
import { reportOnAndOn } from './loop.ts'
import { agentMetrics } from './metrics.ts'
import { agentOptions, agentRelations } from './options.ts'
import { resolveAll } from './push/addresses.ts'
import { readIdentity } from './push/files.ts'
import { createPusher } from './push/pusher.ts'
import { readBootId } from './sample/read.ts'
import { startSampler } from './sampler.ts'

// A loop that has not sampled for so many intervals is stuck.
const stuckIntervals = 6
const leastStuckMs = 30_000

/** The agent: tells the controllers how busy its node is. */
await runProgram({
  name: 'agent',
  summary: "reports its node's utilization to the controllers.",
  options: agentOptions,
  relations: agentRelations,
  async main(options, { log, registry }, signal) {
    const metrics = createMetrics(registry, agentMetrics)
    const started = clock.monotonic()
    const sampler = startSampler(
      { clock, log, metrics },
      { proc: options.proc, intervalMs: options['sample-interval'] },
      signal,
    )
    const files = { tokenFile: options['token-file'], caFile: options['ca-file'] }
    const pusher = createPusher(
      { clock, log, metrics, identity: () => readIdentity(files), resolve: resolveAll },
      options['controller-url'],
      signal,
    )
    const stuckMs = Math.max(leastStuckMs, stuckIntervals * options['sample-interval'])
    const pages = await startOperations(
      { log, clock, registry },
      {
        addresses: [options['health-addr']],
        ready: () => (sampler.lastAt === undefined ? 'no sample yet' : undefined),
        live() {
          const silentMs = clock.monotonic() - (sampler.lastAt ?? started)
          return silentMs > stuckMs ? `no sample for ${Math.round(silentMs / 1000)} s` : undefined
        },
      },
      signal,
    )
    const inventory = followInventory({ clock, log }, options['inventory-interval'], signal)
    const bootId = `${await readBootId(options.proc)}/${randomUUID()}`
    await reportOnAndOn(
      { clock, sampler, pusher, inventory },
      { node: options['node-name'], bootId, reportIntervalMs: options['report-interval'] },
      signal,
    )
    await Promise.all(pages.map((page) => page.stop({ lameDuckMs: 0, graceMs: 1000 })))
  },
})
