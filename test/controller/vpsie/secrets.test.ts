import { inspect } from 'node:util'
import t from 'tap'
import { errorText } from '../../../common/errors.ts'
import { clientFixture } from '../../fixtures/vpsie-client.ts'
import type { Fault } from '../../simulators/vpsie/faults.ts'

t.test(
  'no secret is in any log line, error or metric, whatever is asked and whatever goes wrong',
  async (t) => {
    for (const login of ['client', 'token'] as const) {
      const { client, sim, signal, lines, exposed } = await clientFixture(t, {
        login,
        flags: [
          '--vpsie-timeout=400ms',
          '--vpsie-attempts=2',
          '--vpsie-requests-per-minute=10000',
          '--vpsie-breaker-failures=1000',
        ],
      })
      const { clientId, clientSecret, token } = sim.credentials
      await client.listPools('cluster-1', signal)
      const secrets = login === 'token' ? [token] : [clientId, clientSecret, ...sim.auth.issuedTokens()]
      const quoting = `bad request with ${secrets.join(' and ')}`
      const faults: Fault[] = [
        { kind: 'status', status: 400, message: quoting },
        { kind: 'status', status: 500, message: quoting },
        { kind: 'errorTrue', message: quoting },
        { kind: 'hang' },
        { kind: 'resetBefore' },
        { kind: 'body', body: quoting },
        { kind: 'status', status: 401, message: quoting },
      ]
      const told: string[] = []
      const operations = [
        () => client.listPools('cluster-1', signal),
        () => client.listMachines('cluster-1', signal),
        () => client.listOffers('dc-1', signal),
        () => client.listClusters(signal),
        () => client.createPool('cluster-1', { name: 'p', sizeID: 12 }, signal),
        () => client.addWorker('cluster-1', 701, signal),
        () => client.deleteWorker('cluster-1', 'm-1', signal),
      ]
      for (const fault of faults) {
        // A request that hangs takes its whole time, so not every one does.
        for (const operation of fault.kind === 'hang' ? operations.slice(0, 1) : operations) {
          // The second one meets what follows the first: a retry, or a new log-in.
          sim.faults.next('any', fault, 2)
          const error = await operation().catch((failure: unknown) => failure)
          told.push(errorText(error), inspect(error, { depth: 10, showHidden: true }))
          sim.faults.clear()
        }
      }
      told.push(await exposed())
      for (const secret of [...secrets, ...sim.auth.issuedTokens()]) {
        t.strictSame(
          [...lines, ...told].filter((text) => text.includes(secret)),
          [],
        )
      }
      t.match(told[0], /bad request with \[redacted\]/)
      t.ok(lines.length > faults.length, 'something was logged')
    }
  },
)
