import t from 'tap'
import { readCredentials } from '../../../controller/vpsie/credentials.ts'

const encode = (data: Record<string, string>) =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))

const good = [
  { name: 'a token', data: { token: 'abc' }, login: { kind: 'token', token: 'abc' } },
  {
    name: 'a token goes before a pair',
    data: { token: 'abc', clientId: 'i', clientSecret: 's' },
    login: { kind: 'token' },
  },
  {
    name: 'a pair',
    data: { clientId: 'i', clientSecret: 's' },
    login: { kind: 'client', clientId: 'i', clientSecret: 's' },
  },
  { name: 'a trailing newline is dropped', data: { token: 'abc\n' }, login: { kind: 'token', token: 'abc' } },
]

for (const { name, data, login } of good) {
  t.test(`reading credentials: ${name}`, async (t) => {
    t.match(readCredentials(encode(data)), { login })
    t.match(readCredentials(encode({ ...data, url: 'https://vpsie.test' })), {
      login,
      url: 'https://vpsie.test',
    })
  })
}

const bad = [
  { name: 'nothing', data: {}, path: 'data' },
  { name: 'half a pair', data: { clientId: 'hush' }, path: 'data.clientSecret' },
  { name: 'the other half', data: { clientSecret: 'hush' }, path: 'data.clientId' },
  { name: 'a token of two lines', data: { token: 'hush\nhush' }, path: 'data.token' },
  { name: 'a token that is a file', data: { token: 'hush'.repeat(3000) }, path: 'data.token' },
  { name: 'a URL that is none', data: { token: 'x', url: 'hush' }, path: 'data.url' },
]

for (const { name, data, path } of bad) {
  t.test(`credentials with ${name} are refused by key, and not quoted`, async (t) => {
    try {
      readCredentials(encode(data))
      t.fail('they were read')
    } catch (error) {
      t.match(error, { name: 'InputError', path })
      t.notMatch(String(error), /hush/)
    }
  })
}

t.test('a Secret without data is refused', async (t) => {
  t.throws(() => readCredentials(undefined), { name: 'InputError' })
})
