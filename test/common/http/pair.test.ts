import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { issueAuthority, issueLeaf } from '../../../certs/issue.ts'
import { checkPair, readPair } from '../../../common/http/pair.ts'

const day = 86_400_000
const now = Date.UTC(2026, 0, 15)
const authority = issueAuthority({ commonName: 'test', now })
const leaf = issueLeaf({ authority, commonName: 'webhook', hosts: ['webhook.test.svc'], now, days: 10 })
const other = issueLeaf({ authority, commonName: 'webhook', hosts: ['webhook.test.svc'], now })
const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

t.test('a key that fits a valid certificate makes a pair that tells until when', async (t) => {
  const pair = checkPair(leaf.certificate, leaf.key, now)
  t.match(pair, { certificate: leaf.certificate, key: leaf.key, fingerprint: /^[0-9a-f]{64}$/ })
  t.equal(pair.notAfter, now + 10 * day)
  t.equal(pair.notBefore, now - 3_600_000)
})

const refused: [string, string, string, number, RegExp][] = [
  ['the key of another certificate', leaf.certificate, other.key, now, /^key: must be the key of/],
  ['an RSA key with an EC certificate', leaf.certificate, rsaKey, now, /^key: must be the key of/],
  ['an empty certificate', '', leaf.key, now, /^certificate: must be a PEM certificate/],
  ['an empty key', leaf.certificate, '', now, /^key: must be a PEM private key/],
  ['a truncated certificate', leaf.certificate.slice(0, 200), leaf.key, now, /^certificate: must be a PEM/],
  [
    'rubbish behind the leaf',
    `${leaf.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    leaf.key,
    now,
    /^certificate: must be a chain/,
  ],
  [
    'a certificate at the moment it expires',
    leaf.certificate,
    leaf.key,
    now + 10 * day,
    /^certificate: expired at 2026-01-25/,
  ],
  [
    'a certificate of the future',
    leaf.certificate,
    leaf.key,
    now - day,
    /^certificate: is not valid before 2026-01-14/,
  ],
]
for (const [what, certificate, key, at, message] of refused) {
  t.test(`${what} is refused without quoting the key`, async (t) => {
    t.throws(() => checkPair(certificate, key, at), { name: 'InputError', message })
  })
}

t.test('a missing file is named', async (t) => {
  const dir = t.testdir({ 'tls.key': leaf.key })
  const files = { certFile: `${dir}/tls.crt`, keyFile: `${dir}/tls.key` }
  await t.rejects(readPair(files), { message: `${dir}/tls.crt: must be a readable file` })
})
