import { hostname } from 'node:os'
import { systemClock } from '../common/clock.ts'
import { connect } from '../common/kube/connect.ts'
import { createEventRecorder, eventMetrics } from '../common/kube/events.ts'
import { createMetrics } from '../common/metrics.ts'
import { runProgram } from '../common/program.ts'
import { commands, runCommand } from './commands.ts'
import { certsOptions, certsRelations } from './options.ts'

/** The certificate job: first certificates, their rotation, and what there is. */
await runProgram({
  name: 'certs',
  summary: 'keeps the certificates of webhook and controller valid and trusted.',
  options: certsOptions,
  relations: certsRelations,
  commands,
  main: async (options, { log, registry, command }, signal) => {
    const client = connect({ clock: systemClock }, { kubeconfig: options.kubeconfig })
    const background = new AbortController()
    const events = createEventRecorder(
      { client, clock: systemClock, log, metrics: createMetrics(registry, eventMetrics) },
      { component: 'vpsie-autoscaler-certs', instance: hostname() },
      background.signal,
    )
    const print = (text: string) => process.stdout.write(text)
    try {
      return await runCommand({ client, clock: systemClock, log, events, print }, command, options, signal)
    } finally {
      await events.stop()
      background.abort()
    }
  },
})
