import { systemClock as clock } from '../common/clock.ts'
import { connect } from '../common/kube/connect.ts'
import { resources } from '../common/kube/resources.ts'
import { createMetrics, Registry } from '../common/metrics.ts'
import type { OptionTable } from '../common/options.ts'
import { runProgram } from '../common/program.ts'
import { examine, findingsText } from './doctor/doctor.ts'
import { controllerOptions, controllerRelations } from './options.ts'
import { createVPSieClient } from './vpsie/client.ts'
import { readCredentials } from './vpsie/credentials.ts'
import { vpsieMetrics } from './vpsie/metrics.ts'

const longestMs = 60_000

const doctorOptions = {
  ...controllerOptions,
  output: {
    type: 'string',
    default: 'text',
    choices: ['text', 'json'],
    short: 'o',
    description: 'How to print the findings.',
  },
} as const satisfies OptionTable

/** `node controller/doctor.ts`: looks at an installation, changes nothing, and says what to do. Exit code 1 if something fails. */
await runProgram({
  name: 'doctor',
  summary: 'looks at credentials, rights, kinds, webhooks, certificates, leader, agents, sizes and prices.',
  options: doctorOptions,
  relations: controllerRelations,
  async main(options, { log }, signal) {
    const client = connect({ clock }, { kubeconfig: options.kubeconfig })
    const within = AbortSignal.any([signal, clock.timeout(longestMs)])
    const name = { namespace: options['vpsie-secret-namespace'], name: options['vpsie-secret-name'] }
    const secret = await client.get(resources.secrets, name, within).catch((error: unknown) => error as Error)
    const provider = createVPSieClient(
      { log, clock, metrics: createMetrics(new Registry(), vpsieMetrics) },
      options,
      () => {
        if (secret instanceof Error) throw secret
        return readCredentials(secret.data)
      },
    )
    try {
      const findings = await examine({ client, provider, clock, log, options }, within)
      process.stdout.write(
        options.output === 'json' ? `${JSON.stringify(findings, null, 2)}\n` : findingsText(findings),
      )
      return findings.some(({ state }) => state === 'failed') ? 1 : 0
    } finally {
      provider.close()
    }
  },
})
