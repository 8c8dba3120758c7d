import { rename, symlink, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { issueLeaf } from '../../../certs/issue.ts'
import { systemClock } from '../../../common/clock.ts'
import {
  certificateProblem,
  followCertificate,
  type ServedCertificate,
} from '../../../common/http/certificate.ts'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { captureLog } from '../../fixtures/log.ts'

const hosts = ['localhost']

async function setUp(t: Test) {
  const files = await makeCertificates(hosts)
  const stop = new AbortController()
  const { log, lines } = captureLog()
  t.teardown(() => {
    stop.abort()
    return files.remove()
  })
  const follow = (paths: { certFile: string; keyFile: string } = files) =>
    followCertificate({ log, clock: systemClock }, { ...paths, pollMs: 2 }, stop.signal)
  return { files, follow, lines, stop }
}

function reload(served: ServedCertificate): Promise<string> {
  return new Promise((resolve) => {
    const off = served.onReload((outcome) => {
      off()
      resolve(outcome)
    })
  })
}

t.test('renewed files are served from the next reading on', async (t) => {
  const { files, follow } = await setUp(t)
  const served = await follow()
  t.equal(served.pair.certificate, files.leaf.certificate)
  const reloaded = reload(served)
  const renewed = await files.renew()
  // Certificate and key are two writes, so a reading between them may be refused first.
  if ((await reloaded) === 'refused') await reload(served)
  t.equal(served.pair.certificate, renewed.certificate)
  t.equal(served.lastError, undefined)
})

t.test('a swapped symbolic link, as a Secret volume has, is seen', async (t) => {
  const { files, follow } = await setUp(t)
  const next = await makeCertificates(hosts)
  t.teardown(() => next.remove())
  const dir = t.testdir({})
  await symlink(files.dir, `${dir}/..data`)
  const served = await follow({ certFile: `${dir}/..data/tls.crt`, keyFile: `${dir}/..data/tls.key` })
  const reloaded = reload(served)
  await symlink(next.dir, `${dir}/..data_tmp`)
  await rename(`${dir}/..data_tmp`, `${dir}/..data`)
  if ((await reloaded) === 'refused') await reload(served)
  t.equal(served.pair.certificate, next.leaf.certificate)
})

t.test('a bad pair never replaces a good one, is logged once and heals', async (t) => {
  const { files, follow, lines } = await setUp(t)
  const served = await follow()
  const refused = reload(served)
  await writeFile(files.keyFile, 'rubbish')
  t.equal(await refused, 'refused')
  t.equal(served.pair.certificate, files.leaf.certificate)
  t.match(served.lastError, /key: must be a PEM private key/)
  await systemClock.sleep(20)
  t.equal(lines.filter(({ message }) => message === 'certificate refused').length, 1)
  await writeFile(files.keyFile, files.leaf.key)
  while (served.lastError !== undefined) await systemClock.sleep(1)
  t.equal(served.pair.certificate, files.leaf.certificate)
})

t.test('an expired certificate does not replace a valid one', async (t) => {
  const { files, follow } = await setUp(t)
  const served = await follow()
  const past = Date.now() - 40 * 86_400_000
  const refused = reload(served)
  await files.renew(issueLeaf({ authority: files.authority, commonName: 'old', hosts, now: past }))
  await refused
  while (!served.lastError?.includes('expired')) await systemClock.sleep(1)
  t.equal(served.pair.certificate, files.leaf.certificate)
})

t.test('without files it waits until they are there', async (t) => {
  const { files, follow } = await setUp(t)
  const dir = t.testdir({})
  const waiting = follow({ certFile: `${dir}/tls.crt`, keyFile: `${dir}/tls.key` })
  await writeFile(`${dir}/tls.crt`, files.leaf.certificate)
  await writeFile(`${dir}/tls.key`, files.leaf.key)
  t.equal((await waiting).pair.certificate, files.leaf.certificate)
})

t.test('waiting ends with the signal', async (t) => {
  const { follow, stop } = await setUp(t)
  const waiting = follow({ certFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' })
  stop.abort(new Error('stop'))
  await t.rejects(waiting, { message: 'stop' })
})

t.test('readiness names a certificate that is missing or expired, and no other trouble', async (t) => {
  const { follow, files } = await setUp(t)
  const served = await follow()
  t.equal(certificateProblem(undefined, 0), 'no certificate yet')
  t.equal(certificateProblem(served, Date.now()), undefined)
  t.match(certificateProblem(served, served.pair.notAfter), /^certificate expired at/)
  await writeFile(files.keyFile, '')
  while (served.lastError === undefined) await systemClock.sleep(1)
  t.equal(certificateProblem(served, Date.now()), undefined)
})

t.test('the log never shows a key', async (t) => {
  const { files, follow, lines } = await setUp(t)
  await follow()
  t.notMatch(JSON.stringify(lines), files.leaf.key.split('\n')[1] ?? 'no key')
  t.match(lines, [{ message: 'certificate loaded' }])
})
