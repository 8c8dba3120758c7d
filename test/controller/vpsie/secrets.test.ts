import { inspect } from 'node:util'
import t from 'tap'
import { errorText } from '../../../common/errors.ts'
import { clientFixture } from '../../fixtures/vpsie-client.ts'
import type { Fault } from '../../simulators/vpsie/faults.ts'

t.test('no secret is in any log line or error, whatever goes wrong', async (t) => {
  for (const login of ['client', 'token'] as const) {
    const { client, sim, signal, lines } = await clientFixture(t, {
      login,
      flags: ['--vpsie-timeout', '200ms', '--vpsie-attempts', '2'],
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
    for (const fault of faults) {
      sim.faults.next('any', fault, 2)
      const error = await client.listPools('cluster-1', signal).catch((failure: unknown) => failure)
      told.push(errorText(error), inspect(error, { depth: 10, showHidden: true }))
    }
    for (const secret of [...secrets, ...sim.auth.issuedTokens()]) {
      t.strictSame(
        [...lines, ...told].filter((text) => text.includes(secret)),
        [],
      )
    }
    t.match(told[0], /bad request with \[redacted\]/)
    t.ok(lines.length > faults.length, 'something was logged')
  }
})
