import t, { type Test } from 'tap'
import type { Address } from '../../../agent/push/addresses.ts'
import { createSender } from '../../../agent/push/send.ts'
import { issueAuthority, issueLeaf } from '../../../certs/issue.ts'
import { type Clock, systemClock } from '../../../common/clock.ts'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { accepted, type FakeController, startController } from '../fixtures/controller.ts'
import { report } from '../fixtures/objects.ts'

const { signal } = new AbortController()

async function controller(t: Test, options: Parameters<typeof startController>[0] = {}) {
  const found = await startController(options)
  t.teardown(() => found.stop())
  return found
}

function sender(t: Test, { port }: { port: number }, more: { clock?: Clock; servername?: string } = {}) {
  const { clock = systemClock, servername } = more
  const address: Address = {
    key: `127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    authority: `${servername ?? '127.0.0.1'}:${port}`,
    servername,
  }
  const found = createSender({ clock, random: () => 0.5 }, address)
  t.teardown(() => found.close())
  return found
}

const identity = ({ files }: FakeController) => ({ token: 'a.b.c', ca: files.ca })

t.test('a report is posted over TLS 1.3 with the token, and the pace comes back', async (t) => {
  const there = await controller(t)
  const send = sender(t, there, { servername: 'controller.test' })
  t.equal(await send.send(report(1), identity(there), signal), 15_000)
  t.match(there.received, [
    {
      method: 'POST',
      path: '/v1/reports',
      report: report(1),
      protocol: 'TLSv1.3',
      servername: 'controller.test',
      headers: {
        authorization: 'Bearer a.b.c',
        'content-type': 'application/json',
        host: `controller.test:${there.port}`,
      },
    },
  ])
})

t.test('a URL with an address names no server in the handshake', async (t) => {
  const there = await controller(t)
  await sender(t, there).send(report(1), identity(there), signal)
  t.equal(there.received[0]?.servername, false)
})

t.test('a certificate for another name is not trusted', async (t) => {
  const there = await controller(t)
  const send = sender(t, there, { servername: 'other.test' })
  await t.rejects(send.send(report(1), identity(there), signal), {
    name: 'TransientError',
    code: 'Unreachable',
    cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  })
  t.equal(there.received.length, 0, 'the token was not shown')
})

t.test('a certificate of another authority is not trusted, whatever the environment says', async (t) => {
  const there = await controller(t)
  const { certificate: ca } = issueAuthority({ commonName: 'other', now: Date.now() })
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
  })
  await t.rejects(sender(t, there).send(report(1), { token: 'a.b.c', ca }, signal), { code: 'Unreachable' })
  t.equal(there.received.length, 0)
})

t.test('a server that speaks only TLS 1.2 is not spoken to', async (t) => {
  const there = await controller(t, { maxVersion: 'TLSv1.2' })
  await t.rejects(sender(t, there).send(report(1), identity(there), signal), { code: 'Unreachable' })
})

t.test('one connection serves many reports, for ten minutes and some', async (t) => {
  const clock = virtualClock()
  const there = await controller(t)
  const send = sender(t, there, { clock })
  const connections = () => new Set(there.received.map(({ socket }) => socket)).size
  for (let seq = 1; seq <= 10; seq++) await send.send(report(seq), identity(there), signal)
  await clock.advance(659_999)
  await send.send(report(11), identity(there), signal)
  t.equal(connections(), 1)
  await clock.advance(2)
  await send.send(report(12), identity(there), signal)
  t.equal(connections(), 2)
})

t.test('a rotation of authorities is followed with the bundle, and never before it', async (t) => {
  const there = await controller(t)
  const send = sender(t, there)
  const old = there.files.ca
  await send.send(report(1), { token: 'a', ca: old }, signal)
  const now = Date.now()
  const next = issueAuthority({ commonName: 'next', now })
  const both = old + next.certificate
  await send.send(report(2), { token: 'a', ca: both }, signal)
  t.equal(new Set(there.received.map(({ socket }) => socket)).size, 2, 'a new bundle means a new handshake')
  there.reload(issueLeaf({ authority: next, commonName: 'next', hosts: ['127.0.0.1'], now }))
  const untrusting = send.send(report(3), { token: 'a', ca: old }, signal)
  await t.rejects(untrusting, { code: 'Unreachable' }, 'the old bundle does not know the new authority')
  await send.send(report(3), { token: 'a', ca: both }, signal)
  await send.send(report(4), { token: 'a', ca: next.certificate }, signal)
  t.same(
    there.received.map(({ report }) => report.seq),
    [1, 2, 3, 4],
  )
})

t.test('a controller that does not answer is given up after 10 s', async (t) => {
  const clock = virtualClock()
  const there = await controller(t)
  there.answer = () => 'hang'
  const sending = t.rejects(sender(t, there, { clock }).send(report(1), identity(there), signal), {
    name: 'TransientError',
    code: 'Timeout',
  })
  await there.arrived(1)
  await clock.advance(10_000)
  await sending
})

for (const how of ['cut', 'half'] as const) {
  t.test(
    `a connection that is ${how === 'cut' ? 'cut off' : 'cut within the answer'} may be tried again`,
    async (t) => {
      const there = await controller(t)
      const send = sender(t, there)
      there.answer = () => how
      await t.rejects(send.send(report(1), identity(there), signal), { code: 'Unreachable' })
      there.answer = () => accepted
      t.equal(await send.send(report(1), identity(there), signal), 15_000)
    },
  )
}

t.test('an answer without end is not read to it', async (t) => {
  const there = await controller(t)
  there.answer = () => 'endless'
  const send = sender(t, there)
  await t.rejects(send.send(report(1), identity(there), signal), {
    name: 'TerminalError',
    message: `controller 127.0.0.1:${there.port} answered 200`,
  })
  there.answer = () => accepted
  t.equal(await send.send(report(2), identity(there), signal), 15_000)
})

t.test('nobody listens', async (t) => {
  const there = await startController()
  await there.stop()
  await t.rejects(sender(t, there).send(report(1), { token: 'a', ca: there.files.ca }, signal), {
    code: 'Unreachable',
    cause: { code: 'ECONNREFUSED' },
  })
})

t.test('abort rejects with its reason, whatever the state', async (t) => {
  const there = await controller(t)
  there.answer = () => 'hang'
  const stop = new AbortController()
  const sending = t.rejects(sender(t, there).send(report(1), identity(there), stop.signal), {
    message: 'stop',
  })
  await there.arrived(1)
  stop.abort(new Error('stop'))
  await sending
})

t.test('a restarted controller on the same port is found again', async (t) => {
  const files = await makeCertificates(['127.0.0.1'])
  t.teardown(() => files.remove())
  const first = await startController({ files })
  const send = sender(t, first)
  await send.send(report(1), identity(first), signal)
  await first.stop()
  const second = await controller(t, { files, port: first.port })
  // The first try may still go to the connection that has just been cut.
  await send
    .send(report(2), identity(first), signal)
    .catch(() => send.send(report(2), identity(first), signal))
  t.match(second.received, [{ report: { seq: 2 } }])
})
