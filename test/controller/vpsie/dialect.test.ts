import t from 'tap'
import { placeOf } from '../../../controller/vpsie/dialect.ts'
import { clientFixture } from '../../fixtures/vpsie-client.ts'

const auto = ['--vpsie-dialect', 'auto']

for (const dialect of ['v2', 'apps-v2'] as const) {
  for (const login of ['client', 'token'] as const) {
    t.test(`dialect ${dialect} is found with a ${login} log-in, once for all calls`, async (t) => {
      const { client, sim, signal, count } = await clientFixture(t, { sim: { dialect }, login, flags: auto })
      await Promise.all([1, 2, 3].map(() => client.listPools('cluster-1', signal)))
      await client.listPools('cluster-1', signal)
      t.equal(count('listClusters'), 1)
      const prefix = dialect === 'v2' ? '/v2/' : '/apps/v2/'
      t.ok(
        sim.requests
          .filter(({ operation }) => operation === 'listPools')
          .every(({ path }) => path.startsWith(prefix)),
      )
    })
  }
}

t.test('a search that failed is repeated by the next call', async (t) => {
  const { client, sim, signal } = await clientFixture(t, { flags: [...auto, '--vpsie-attempts', '1'] })
  sim.faults.next('listClusters', { kind: 'status', status: 503 })
  await t.rejects(client.listPools('cluster-1', signal), { code: 'ServerError' })
  t.strictSame(await client.listPools('cluster-1', signal), [])
})

t.test('wrong credentials are reported as such, not as an unknown dialect', async (t) => {
  const { client, sim, signal, use } = await clientFixture(t, { flags: auto })
  use({ login: { kind: 'token', token: 'wrong' }, url: sim.url })
  await t.rejects(client.listPools('cluster-1', signal), { code: 'Unauthorized' })
})

t.test('a place that speaks no known dialect is an error that tells what was tried', async (t) => {
  const { client, sim, signal, use } = await clientFixture(t, { login: 'token', flags: auto })
  use({ login: { kind: 'token', token: 'x' }, url: `${sim.url}/elsewhere` })
  const expected = {
    name: 'TransientError',
    code: 'BadReply',
    message: /v2 \(NotFound\).*apps-v2 \(NotFound\)/,
  }
  await t.rejects(client.listPools('cluster-1', signal), expected)
})

const places = [
  { url: 'https://api.vpsie.com', base: 'https://api.vpsie.com', named: undefined },
  { url: 'https://api.vpsie.com/', base: 'https://api.vpsie.com', named: undefined },
  { url: 'https://api.vpsie.com/v2', base: 'https://api.vpsie.com', named: 'v2' },
  { url: 'https://api.vpsie.com/v2/', base: 'https://api.vpsie.com', named: 'v2' },
  { url: 'https://api.vpsie.com/apps/v2', base: 'https://api.vpsie.com', named: 'apps-v2' },
  { url: 'https://proxy.test/vpsie/apps/v2', base: 'https://proxy.test/vpsie', named: 'apps-v2' },
]

for (const { url, base, named } of places) {
  t.test(`${url} is ${base} with ${named ?? 'no'} dialect named`, async (t) => {
    const place = placeOf(url, '--vpsie-url')
    t.equal(place.base, base)
    t.equal(place.named?.name, named)
  })
}

for (const url of [
  'http://api.vpsie.com',
  'https://user:pass@api.vpsie.com',
  'https://api.vpsie.com?x=1',
  'api.vpsie.com',
  '',
]) {
  t.test(`"${url}" is no place for VPSie, and is not quoted`, async (t) => {
    t.throws(() => placeOf(url, '--vpsie-url'), {
      name: 'InputError',
      message: '--vpsie-url: must be a plain https URL such as https://api.vpsie.com',
    })
  })
}
