import t from 'tap'
import { parseOptions } from '../../../common/options.ts'
import { createLocator } from '../../../controller/vpsie/locate.ts'
import { vpsieOptions } from '../../../controller/vpsie/options.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { capturedLog } from '../../fixtures/vpsie-client.ts'

const { signal } = new AbortController()

function fixture(flags: string[]) {
  const secret: { url?: string } = {}
  const probed: string[] = []
  const locate = createLocator(
    { clock: virtualClock(), log: capturedLog().log },
    parseOptions(vpsieOptions, flags),
    () => ({ login: { kind: 'token', token: 'x' }, ...secret }),
    async ({ base, dialect }) => {
      probed.push(`${base} ${dialect.name}`)
    },
  )
  return { secret, probed, locate }
}

t.test('a place is searched once, and a new one in the Secret is searched anew', async (t) => {
  const { secret, probed, locate } = fixture(['--vpsie-url', 'https://one.test'])
  await Promise.all([locate(signal), locate(signal)])
  secret.url = 'https://two.test/apps/v2'
  t.match(await locate(signal), { base: 'https://two.test', dialect: { name: 'apps-v2' } })
  await locate(signal)
  t.strictSame(probed, ['https://one.test v2', 'https://two.test apps-v2'])
})

t.test('a dialect that is set is not searched for', async (t) => {
  const { probed, locate } = fixture(['--vpsie-dialect', 'apps-v2', '--vpsie-url', 'https://one.test/v2'])
  t.match(await locate(signal), { base: 'https://one.test', dialect: { name: 'apps-v2' } })
  t.strictSame(probed, [])
})
