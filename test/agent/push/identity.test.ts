import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createIdentity } from '../../../agent/push/identity.ts'
import { issueAuthority } from '../../../certs/issue.ts'

const now = Date.now()
const ca = issueAuthority({ commonName: 'one', now }).certificate
const other = issueAuthority({ commonName: 'other', now }).certificate

async function files(t: Test) {
  const dir = t.testdir()
  const [tokenFile, caFile] = [join(dir, 'token'), join(dir, 'ca.crt')] as const
  const write = async (token: string, authorities: string) => {
    await Promise.all([writeFile(tokenFile, token), writeFile(caFile, authorities)])
  }
  await write('a.b.c\n', ca)
  return { tokenFile, caFile, write, read: createIdentity({ tokenFile, caFile }) }
}

t.test('what the files hold now is given, at each call', async (t) => {
  const { read, write } = await files(t)
  t.same(await read(), { token: 'a.b.c', ca })
  await write('d.e.f', ca + other)
  t.same(await read(), { token: 'd.e.f', ca: ca + other })
})

for (const [title, token, authorities, message] of [
  ['an empty token', ' \n', ca, /token: must hold one token/],
  ['two tokens', 'a.b.c\nd.e.f', ca, /token: must hold one token/],
  ['a token beyond all measure', 'x'.repeat(20_000), ca, /token: must hold one token/],
  ['no authorities, which would trust public ones', 'a.b.c', '', /ca\.crt: must hold at least one PEM/],
  ['a text that is no PEM', 'a.b.c', 'hello', /ca\.crt: must hold at least one PEM/],
  [
    'a broken certificate after a good one',
    'a.b.c',
    ca + other.replace(/\n.{9}/, '\nAAAAAAAAA'),
    /ca\.crt: must hold only readable/,
  ],
] as const) {
  t.test(`${title} is refused until the file is right again`, async (t) => {
    const { read, write } = await files(t)
    await write(token, authorities)
    await t.rejects(read(), { name: 'InputError', message })
    await t.rejects(read(), { name: 'InputError', message }, 'and not only once')
    await write('a.b.c', ca)
    t.same(await read(), { token: 'a.b.c', ca })
  })
}

t.test('a missing file is named, and a secret is not', async (t) => {
  const { caFile } = await files(t)
  const read = createIdentity({ tokenFile: '/nowhere/token', caFile })
  await t.rejects(read(), { name: 'InputError', message: '/nowhere/token: must be a readable file' })
})
