import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readReport } from '../../controller/ingest/schema.ts'
import { makeCertificates } from '../fixtures/certificates.ts'
import { startProgram } from '../fixtures/process.ts'
import { replaceFile } from '../fixtures/replace-file.ts'
import { type FakeController, startController } from './fixtures/controller.ts'
import { startNode, until } from './fixtures/node.ts'

const quick = { status: 202, body: { nextReportSeconds: 0.2 } }

async function controller(t: Test, options: Parameters<typeof startController>[0] = {}) {
  const found = await startController(options)
  found.answer = () => quick
  t.teardown(() => found.stop())
  return found
}

const urlOf = ({ port }: FakeController, host = '127.0.0.1') => `https://${host}:${port}`

// A pod has 10 s; what is left of them is for a slow machine.
const endMs = 5_000

// They wait more than they work.
t.jobs = 4

t.test('the agent tells every controller what its machine does, and says goodbye', async (t) => {
  const files = await makeCertificates(['127.0.0.1', 'localhost'])
  t.teardown(() => files.remove())
  const [one, two] = [await controller(t, { files }), await controller(t, { files })]
  const { program, page } = await startNode(t, {
    urls: [urlOf(one), urlOf(two, 'localhost')],
    caFile: files.caFile,
  })
  const { report, headers } = await one.arrived(3)
  t.equal(headers.authorization, 'Bearer a.b.c')
  t.match(readReport(report), { version: 1, node: 'node-1', seq: Number, cores: 4 })
  t.match(report.bootId, /^[0-9a-f-]{36}\/[0-9a-f-]{36}$/)
  t.same(report.memory, { totalBytes: 2 ** 32, availableBytes: 3 * 2 ** 30, workingSetBytes: 2 ** 30 })
  // A busy machine may run the counters on too late for any one report.
  await until('a report says how busy it is, and its pressure', () =>
    one.received.some(
      ({ report: { cpu, psi } }) => Math.abs(cpu.busy.avg - 0.4) < 0.1 && (psi?.memoryFull ?? 0) > 0.005,
    ),
  )
  t.ok(Math.abs(Date.parse(report.at) - Date.now()) < 60_000)
  t.equal((await two.arrived(3)).servername, 'localhost')

  await until('it is healthy', async () => (await page('/healthz')).status === 200)
  t.match(await page('/readyz'), { status: 200 })
  const { body } = await page('/metrics')
  t.match(body, /vpsie_autoscaler_agent_pushes_total\{result="accepted"\} [1-9]/)
  t.match(body, /vpsie_autoscaler_agent_last_sample_age_seconds 0\.\d/)
  t.match(body, /vpsie_autoscaler_agent_controllers [2-9]/)

  const stopping = performance.now()
  t.equal(await program.stop('SIGTERM'), 0)
  t.ok(performance.now() - stopping < endMs)
  for (const { received } of [one, two]) {
    t.equal(received.at(-1)?.report.final, true)
    t.equal(received.filter(({ report }) => report.final).length, 1)
    const seqs = received.map(({ report }) => report.seq)
    t.same(
      seqs,
      [...new Set(seqs)].sort((a, b) => a - b),
      'seq only grows',
    )
  }
  t.notOk(program.lines.join('\n').includes('a.b.c'), 'the token is in no line')
})

t.test('the inventory comes along, and no process stays for it', async (t) => {
  const there = await controller(t)
  const { program } = await startNode(t, { urls: [urlOf(there)], caFile: there.files.caFile })
  await until('a report has an inventory', () => there.received.some(({ report }) => report.inventory))
  t.match(there.received.at(-1)?.report.inventory, { kernel: /\d/ })
  const children = `/proc/${program.pid}/task/${program.pid}/children`
  t.equal((await readFile(children, 'utf8').catch(() => '')).trim(), '')
})

t.test('a restarted controller is reported to again', async (t) => {
  const files = await makeCertificates(['127.0.0.1'])
  t.teardown(() => files.remove())
  const first = await startController({ files })
  first.answer = () => quick
  const { program } = await startNode(t, { urls: [urlOf(first)], caFile: files.caFile })
  const before = await first.arrived(2)
  await first.stop()
  await program.waitFor(/report was not taken/)
  const second = await controller(t, { files, port: first.port })
  const { report } = await second.arrived(1)
  t.equal(report.bootId, before.report.bootId)
  t.ok(report.seq > before.report.seq)
  t.notOk(program.hasExited)
})

t.test('a renewed token and renewed authorities are used without a restart', async (t) => {
  const [old, next] = [await makeCertificates(['127.0.0.1']), await makeCertificates(['127.0.0.1'])]
  t.teardown(() => Promise.all([old.remove(), next.remove()]))
  const there = await controller(t, { files: old })
  const { tokenFile } = await startNode(t, { urls: [urlOf(there)], caFile: old.caFile })
  await there.arrived(1)
  there.answer = ({ headers }) => (headers.authorization === 'Bearer d.e.f' ? quick : { status: 401 })
  await replaceFile(tokenFile, 'd.e.f\n')
  await until('the new token is shown', () => there.received.at(-1)?.headers.authorization === 'Bearer d.e.f')
  const count = there.received.length
  await replaceFile(old.caFile, old.ca + next.ca)
  there.reload(next.leaf)
  await until('the new certificate is trusted', () => {
    const last = there.received.at(-1)
    return there.received.length > count && last?.socket !== there.received[count - 1]?.socket
  })
  t.equal(there.received.at(-1)?.headers.authorization, 'Bearer d.e.f')
})

t.test('a controller that hangs does not keep the agent from ending, nor another from reports', async (t) => {
  const files = await makeCertificates(['127.0.0.1'])
  t.teardown(() => files.remove())
  const [hung, well] = [await controller(t, { files }), await controller(t, { files })]
  hung.answer = () => 'hang'
  const { program } = await startNode(t, { urls: [urlOf(hung), urlOf(well)], caFile: files.caFile })
  await hung.arrived(1)
  await well.arrived(4)
  t.equal(hung.received.length, 1)
  const stopping = performance.now()
  t.equal(await program.stop('SIGTERM'), 0)
  t.ok(performance.now() - stopping < endMs, `${performance.now() - stopping} ms`)
  t.equal(well.received.at(-1)?.report.final, true)
  t.equal(hung.received.at(-1)?.report.final, true)
})

t.test(
  'without any controller it is healthy; without samples it is not, and says which line is wrong',
  async (t) => {
    const files = await makeCertificates(['127.0.0.1'])
    t.teardown(() => files.remove())
    const { program, page, proc, freeze } = await startNode(t, {
      urls: ['https://127.0.0.1:1'],
      caFile: files.caFile,
    })
    await program.waitFor(/report was not taken/)
    t.match(await page('/healthz'), { status: 200 })
    await freeze()
    await replaceFile(join(proc.path, 'meminfo'), 'MemTotal: lots\n')
    const line = await program.waitFor(/sample could not be read/)
    t.match(JSON.parse(line), { error: 'meminfo:1: must be "MemTotal: N kB": it is "MemTotal: lots"' })
    await until('it is unhealthy', async () => (await page('/healthz')).status === 503)
    t.match(await page('/healthz'), { body: /^no sample for \d/ })
    t.match((await page('/metrics')).body, /agent_samples_total\{result="failed"\} [1-9]/)
    await proc.advance(100)
    await until('it is healthy again', async () => (await page('/healthz')).status === 200)
    t.notOk(program.hasExited)
  },
)

t.test('before the first sample it is not ready', async (t) => {
  const there = await controller(t)
  const { page, proc, freeze } = await startNode(t, {
    urls: [urlOf(there)],
    caFile: there.files.caFile,
    more: ['--proc=/nowhere'],
  })
  await freeze()
  await rm(proc.path, { recursive: true })
  t.match(await page('/readyz'), { status: 503, body: 'no sample yet\n' })
  t.equal(there.received.length, 0)
})

t.test('a wrong command line tells every mistake and ends with 2', async (t) => {
  const program = startProgram('agent/main.ts', [
    '--node-name=Node_1',
    '--controller-url=http://controller',
    '--health-addr=x',
    '--sample-interval=1m',
  ])
  t.equal(await program.exited, 2)
  t.equal(program.lines.length, 4)
  const unnamed = startProgram('agent/main.ts', ['--report-interval=soon'])
  t.equal(await unnamed.exited, 2)
  t.match(unnamed.lines.join('\n'), /--node-name is required[\s\S]*--report-interval/)
})
