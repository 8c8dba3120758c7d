import { join } from 'node:path'
import t from 'tap'
import { makeCertificates } from '../fixtures/certificates.ts'
import { call } from '../fixtures/http.ts'
import { makeImage } from '../fixtures/image.ts'
import { startProcess } from '../fixtures/process.ts'
import { replaceFile } from '../fixtures/replace-file.ts'
import { until } from './fixtures/node.ts'

const agent = 'vpsie-autoscaler-agent'

t.test('the heap that the manifest gives holds full backlogs for five controllers', async (t) => {
  const [image, files] = await Promise.all([makeImage(['agent', 'common']), makeCertificates(['127.0.0.1'])])
  const folder = t.testdir()
  await replaceFile(join(folder, 'token'), 'a.b.c')
  // Nobody listens on these ports, which only root could take.
  const urls = [1, 2, 3, 4, 5].map((port) => `https://127.0.0.1:${port}`)
  const [node = '', ...flags] = image.command(agent)
  const options = [
    '--node-name=node-1',
    `--controller-url=${urls}`,
    `--token-file=${join(folder, 'token')}`,
    `--ca-file=${files.caFile}`,
    '--sample-interval=100ms',
    '--report-interval=100ms',
    '--health-addr=127.0.0.1:0',
  ]
  const program = startProcess(node, [...flags, image.entry(agent), ...options], 'agent')
  t.teardown(async () => {
    await program.stop('SIGKILL')
    await Promise.all([image.remove(), files.remove()])
  })
  const { port } = JSON.parse(await program.waitFor(/"listening"/)) as { port: number }
  const page = async (path: string) => (await call({ port, path })).body
  await until('all backlogs are full', async () => /agent_backlog 100\n/.test(await page('/metrics')))
  const overflowed = async () => Number(/result="overflowed"\} (\d+)/.exec(await page('/metrics'))?.[1] ?? 0)
  await until('the oldest have gone for new ones', async () => (await overflowed()) > 200)
  t.match(await page('/healthz'), /^ok/)
})
