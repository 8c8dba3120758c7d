import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { formatBundle, isSignedBy, parseBundle, sameBundle, wantedBundle } from '../../certs/bundle.ts'
import { issueAuthority, issueLeaf } from '../../certs/issue.ts'

const day = 86_400_000
const now = Date.UTC(2026, 0, 15)
const make = (days = 100) =>
  new X509Certificate(issueAuthority({ commonName: 'test', now, days }).certificate)
const [old, active, next] = [make(10), make(), make()]
const all = () => true
const nothing = () => false

t.test('a bundle is read back as it was written', async (t) => {
  t.ok(sameBundle(parseBundle(formatBundle([old, active])), [old, active]))
})

t.test('repeated certificates, other text and rubbish are left out', async (t) => {
  const rubbish = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  const text = `# ours\n${formatBundle([old, old])}${rubbish}${formatBundle([active])}`
  t.ok(sameBundle(parseBundle(text), [old, active]))
  t.same(parseBundle(''), [])
})

t.test('order does not tell bundles apart, content does', async (t) => {
  t.ok(sameBundle([old, active], [active, old]))
  t.notOk(sameBundle([old], [active]))
  t.notOk(sameBundle([old, active], [old]))
})

t.test('what is required comes first, and others stay as long as they are kept', async (t) => {
  const wanted = wantedBundle([old, active], { required: [next, active], keeps: all, now })
  t.same(wanted.map(String), [next, active, old].map(String))
  t.same(wantedBundle([old, active], { required: [active], keeps: nothing, now }).map(String), [
    String(active),
  ])
})

t.test('expired authorities are dropped even if they are ours', async (t) => {
  const trust = { required: [active, old], keeps: all, now: now + 10 * day }
  t.same(wantedBundle([old], trust).map(String), [String(active)])
})

t.test('an authority of the same name with another key signed nothing', async (t) => {
  const authority = issueAuthority({ commonName: 'test', now })
  const leaf = issueLeaf({ authority, commonName: 'leaf', hosts: ['localhost'], now })
  const certificate = new X509Certificate(leaf.certificate)
  t.equal(isSignedBy(certificate, new X509Certificate(authority.certificate)), true)
  t.equal(isSignedBy(certificate, active), false)
})
