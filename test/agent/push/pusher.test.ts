import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Address } from '../../../agent/push/addresses.ts'
import { createIdentity } from '../../../agent/push/identity.ts'
import { createPusher } from '../../../agent/push/pusher.ts'
import { systemClock } from '../../../common/clock.ts'
import { TransientError } from '../../../common/errors.ts'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { captureLog } from '../../fixtures/log.ts'
import { startController } from '../fixtures/controller.ts'
import { metricsFixture, report } from '../fixtures/objects.ts'

type SendFake = (host: string, seq: number) => Promise<number | undefined>

/** A pusher in virtual time over names and controllers that a test changes. */
function start(
  t: Test,
  names: Record<string, () => Promise<string[]>>,
  send: SendFake = async () => undefined,
) {
  const clock = virtualClock()
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const { log, lines } = captureLog()
  const { metrics } = metricsFixture()
  const sent: string[] = []
  const closed: string[] = []
  const lookUps: string[] = []
  const createSender = (_: unknown, { host }: Address) => ({
    async send({ seq }: { seq: number }) {
      sent.push(`${host} ${seq}`)
      return send(host, seq)
    },
    close: () => void closed.push(host),
  })
  const resolve = (name: string) => {
    lookUps.push(name)
    return names[name]?.() ?? Promise.reject(new Error(`no ${name}`))
  }
  const identity = async () => ({ token: 't', ca: 'c' })
  const urls = Object.keys(names).map((name) => `https://${name}:8443`)
  const deps = { clock, log, metrics, identity, resolve, createSender, random: () => 0.5 }
  return { clock, stop, lines, sent, closed, lookUps, names, pusher: createPusher(deps, urls, stop.signal) }
}

t.test('every address behind every name gets each report', async (t) => {
  const { clock, pusher, sent } = start(t, {
    a: async () => ['1.1.1.1', '1.1.1.2'],
    b: async () => ['2.2.2.2'],
  })
  pusher.push(report(1))
  await clock.advance(0)
  t.same(sent.sort(), ['1.1.1.1 1', '1.1.1.2 1', '2.2.2.2 1'])
  pusher.push(report(2))
  await clock.advance(0)
  t.same(sent.length, 6)
  t.equal(pusher.targets, 3)
})

t.test('a controller that hangs delays no other', async (t) => {
  const { clock, pusher, sent } = start(t, { a: async () => ['1.1.1.1', '1.1.1.2'] }, (host) =>
    host === '1.1.1.1' ? new Promise(() => undefined) : Promise.resolve(undefined),
  )
  for (let seq = 1; seq <= 4; seq++) {
    pusher.push(report(seq))
    await clock.advance(15_000)
  }
  t.same(
    sent.filter((each) => each.startsWith('1.1.1.2')),
    [1, 2, 3, 4].map((seq) => `1.1.1.2 ${seq}`),
  )
  t.same(
    sent.filter((each) => each.startsWith('1.1.1.1')),
    ['1.1.1.1 1'],
  )
  t.equal(pusher.waiting, 4)
})

t.test(
  'a look-up that hangs delays no report to controllers that are known, and is not begun twice',
  async (t) => {
    const { clock, pusher, sent, names, lookUps } = start(t, { a: async () => ['1.1.1.1'] })
    pusher.push(report(1))
    await clock.advance(0)
    names.a = () => new Promise(() => undefined)
    for (let seq = 2; seq <= 5; seq++) {
      pusher.push(report(seq))
      await clock.advance(15_000)
    }
    t.same(
      sent,
      [1, 2, 3, 4, 5].map((seq) => `1.1.1.1 ${seq}`),
    )
    t.equal(lookUps.length, 2)
  },
)

t.test('a controller that comes up is reported to, one that leaves is let go', async (t) => {
  const { clock, pusher, sent, closed, names } = start(t, { a: async () => ['1.1.1.1'] })
  pusher.push(report(1))
  await clock.advance(0)
  names.a = async () => ['1.1.1.2']
  pusher.push(report(2))
  await clock.advance(0)
  t.same(closed, ['1.1.1.1'])
  t.equal(pusher.targets, 1)
  t.ok(sent.includes('1.1.1.2 2'), 'the newcomer gets the report that is out')
  pusher.push(report(3))
  await clock.advance(0)
  t.same(sent.slice(-1), ['1.1.1.2 3'])
})

t.test('a resolver that is away says nothing about controllers that are known', async (t) => {
  const { clock, pusher, sent, names, lines } = start(t, {
    a: async () => ['1.1.1.1'],
    b: async () => ['2.2.2.2'],
  })
  pusher.push(report(1))
  await clock.advance(0)
  names.a = () => Promise.reject(new Error('resolver away'))
  names.b = async () => ['2.2.2.3']
  for (const seq of [2, 3]) {
    pusher.push(report(seq))
    await clock.advance(0)
  }
  t.ok(sent.includes('1.1.1.1 3'))
  t.ok(sent.includes('2.2.2.3 3'), 'one name that fails does not keep another from changing')
  const told = lines.filter(({ message }) => message === 'controller could not be resolved')
  t.match(told, [{ url: 'https://a:8443', error: 'resolver away' }])
  t.equal(told.length, 1)
})

t.test('without any controller yet, the next round finds them', async (t) => {
  const { clock, pusher, sent, names } = start(t, { a: () => Promise.reject(new Error('not yet')) })
  pusher.push(report(1))
  await clock.advance(15_000)
  t.same([pusher.targets, pusher.waiting, pusher.paceMs], [0, 0, undefined])
  names.a = async () => ['1.1.1.1']
  pusher.push(report(2))
  await clock.advance(0)
  t.same(sent, ['1.1.1.1 2'])
})

t.test('the quickest pace counts', async (t) => {
  const paces: Record<string, number> = { '1.1.1.1': 30_000, '1.1.1.2': 10_000 }
  const { clock, pusher } = start(t, { a: async () => Object.keys(paces) }, async (host) => paces[host])
  pusher.push(report(1))
  await clock.advance(0)
  t.equal(pusher.paceMs, 10_000)
})

t.test(
  'the last report goes to all, those in a wait too, and one that hangs does not hold up the end',
  async (t) => {
    const { clock, stop, pusher, sent } = start(
      t,
      { a: async () => ['1.1.1.1', '1.1.1.2', '1.1.1.3'] },
      (host, seq) => {
        if (host === '1.1.1.3') return new Promise(() => undefined)
        if (host === '1.1.1.2' && seq === 1) throw new TransientError('away', { code: 'Unreachable' })
        return Promise.resolve(undefined)
      },
    )
    pusher.push(report(1))
    await clock.advance(100)
    stop.abort()
    const finishing = pusher.finish(report(2, { final: true }), 3_000)
    await clock.advance(0)
    t.same(sent.slice(-3).sort(), ['1.1.1.1 2', '1.1.1.2 2', '1.1.1.3 2'])
    await clock.advance(3_000)
    await finishing
  },
)

t.test('over real TLS, both addresses of a name get the report, by the name that is certified', async (t) => {
  const files = await makeCertificates(['controller.test'])
  t.teardown(() => files.remove())
  const first = await startController({ files })
  t.teardown(() => first.stop())
  const second = await startController({ files, host: '127.0.0.2', port: first.port })
  t.teardown(() => second.stop())
  const tokenFile = join(t.testdir(), 'token')
  await writeFile(tokenFile, 'a.b.c')
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const { log } = captureLog()
  const { metrics, read } = metricsFixture()
  const identity = createIdentity({ tokenFile, caFile: files.caFile })
  const resolve = async () => ['127.0.0.1', '127.0.0.2']
  const url = `https://controller.test:${first.port}`
  const pusher = createPusher({ clock: systemClock, log, metrics, identity, resolve }, [url], stop.signal)
  pusher.push(report(1))
  const [one, two] = [await first.arrived(1), await second.arrived(1)]
  t.match([one, two], [{ servername: 'controller.test' }, { servername: 'controller.test' }])
  stop.abort()
  await pusher.finish(report(2, { final: true }), 3_000)
  t.match(
    [await first.arrived(2), await second.arrived(2)],
    [{ report: { final: true } }, { report: { final: true } }],
  )
  t.ok((await read('agent_pushes_total', { result: 'accepted' })) >= 2)
})
