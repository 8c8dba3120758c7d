import { systemClock } from '../common/clock.ts'
import { connect } from '../common/kube/connect.ts'
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
  main: (options, { log, command }, signal) => {
    const client = connect({ log, clock: systemClock }, { kubeconfig: options.kubeconfig })
    const print = (text: string) => process.stdout.write(text)
    return runCommand({ client, clock: systemClock, log, print }, command, options, signal)
  },
})
