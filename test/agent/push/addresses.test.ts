import t from 'tap'
import { addressesOf, resolveAll } from '../../../agent/push/addresses.ts'

const two = async () => ['10.0.0.1', '10.0.0.2']

const cases = [
  {
    title: 'every address behind a name, each with the name that its certificate must have',
    url: 'https://controller.example:8443',
    want: ['10.0.0.1', '10.0.0.2'].map((host) => ({
      key: `${host}:8443`,
      host,
      port: 8443,
      authority: 'controller.example:8443',
      servername: 'controller.example',
    })),
  },
  {
    title: 'an address is not looked up and has no name',
    url: 'https://192.0.2.7:8443',
    want: [
      {
        key: '192.0.2.7:8443',
        host: '192.0.2.7',
        port: 8443,
        authority: '192.0.2.7:8443',
        servername: undefined,
      },
    ],
  },
  {
    title: 'an address of IPv6, with the port of https',
    url: 'https://[fd00::7]',
    want: [
      { key: '[fd00::7]:443', host: 'fd00::7', port: 443, authority: '[fd00::7]', servername: undefined },
    ],
  },
]

for (const { title, url, want } of cases) {
  t.test(title, async (t) => t.same(await addressesOf(url, two), want))
}

t.test('an address that is given twice counts once', async (t) => {
  const found = await addressesOf('https://a', async () => ['10.0.0.1', '10.0.0.1', '::1'])
  t.same(
    found.map(({ key }) => key),
    ['10.0.0.1:443', '[::1]:443'],
  )
})

t.test('of a name with very many addresses some are taken', async (t) => {
  const many = Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)
  t.equal((await addressesOf('https://a', async () => many)).length, 32)
})

t.test('a name that cannot be resolved rejects', async (t) => {
  await t.rejects(
    addressesOf('https://a', () => Promise.reject(new Error('away'))),
    { message: 'away' },
  )
})

t.test("the system's resolver is asked", async (t) => {
  t.ok((await resolveAll('localhost')).some((address) => ['127.0.0.1', '::1'].includes(address)))
})
