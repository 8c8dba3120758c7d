import { randomUUID } from 'node:crypto'
import { systemClock as clock } from '../common/clock.ts'
import { startOperations } from '../common/http/operations.ts'
import { createMetrics } from '../common/metrics.ts'
import { runProgram } from '../common/program.ts'
import { samplingProblem } from './health.ts'
import { followInventory } from './inventory.ts'
import { reportOnAndOn } from './loop.ts'
import { agentMetrics, watchGauges } from './metrics.ts'
import { agentOptions, agentRelations } from './options.ts'
import { resolveAll } from './push/addresses.ts'
import { createIdentity } from './push/identity.ts'
import { createPusher } from './push/pusher.ts'
import { bootIdOf, startReports } from './report.ts'
import { procReader, readBootId, readSample } from './sample/read.ts'
import { createViewCheck } from './sample/view.ts'
import { startSampler } from './sampler.ts'

/** The agent: tells the controllers how busy its node is. */
await runProgram({
  name: 'agent',
  summary: "reports its node's utilization to the controllers.",
  options: agentOptions,
  relations: agentRelations,
  // It runs on every node, and does nothing that could hold the event loop up for long.
  lagEveryMs: 5_000,
  async main(options, { log, registry }, signal) {
    const { 'node-name': node, 'report-interval': reportIntervalMs } = options
    const metrics = createMetrics(registry, agentMetrics)
    const read = procReader(options.proc)
    const checkView = createViewCheck(options.proc)
    const sample = () => checkView().then(() => readSample({ clock, read }))
    const sampler = startSampler({ clock, log, metrics, read: sample }, options['sample-interval'], signal)
    const files = { tokenFile: options['token-file'], caFile: options['ca-file'] }
    const identity = createIdentity(files)
    const pusher = createPusher(
      { clock, log, metrics, identity, resolve: resolveAll },
      options['controller-url'],
      signal,
    )
    watchGauges(metrics, { clock, sampler, pusher })
    const pages = await startOperations(
      { log, clock, registry },
      {
        addresses: [options['health-addr']],
        ready: () => (sampler.last ? undefined : 'no sample yet'),
        live: samplingProblem({ clock, sampler }, options['sample-interval']),
      },
      signal,
    )
    const inventory = followInventory({ clock, log }, options['inventory-interval'], signal)
    const bootId = bootIdOf(await readBootId(read), randomUUID())
    const uptimeSeconds = () => sampler.last?.uptimeSeconds
    const makeReport = startReports({ clock, uptimeSeconds }, { node, bootId })
    await reportOnAndOn({ clock, sampler, pusher, makeReport, inventory }, { node, reportIntervalMs }, signal)
    await Promise.all(pages.map((page) => page.stop({ lameDuckMs: 0, graceMs: 1000 })))
  },
})
