import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock as clock } from '../../../common/clock.ts'
import type { Options, OptionTable } from '../../../common/options.ts'
import { type FakeController, startController } from '../../agent/fixtures/controller.ts'
import { runCommandLine } from '../../fixtures/command-line.ts'
import { call } from '../../fixtures/http.ts'
import { type Image, makeImage } from '../../fixtures/image.ts'
import { freePort } from '../../fixtures/ports.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { type Footprint, type Measured, startMeasured } from './footprint.ts'

const options = {
  json: { type: 'boolean', default: 'false', description: 'Print the results as one JSON array.' },
  seconds: {
    type: 'integer',
    default: '120',
    min: 10,
    description: 'How long is measured, after 30 s in which everything comes to rest.',
  },
  hours: {
    type: 'number',
    default: '2',
    min: 0,
    max: 24,
    description: 'How much time one more agent lives through, 50 times as fast; 24 h take 29 min.',
  },
  'node-exporter': {
    type: 'string',
    default: '',
    description: 'Path of a node_exporter, to be measured beside; scraped every 15 s.',
  },
} as const satisfies OptionTable

const restMs = 30_000
const compression = 50
const workload = 'vpsie-autoscaler-agent'
const MiB = 2 ** 20

interface Row {
  name: string
  workingSetMiB: number | null
  rssMiB: number
  anonymousMiB: number
  /** Of the bare Node.js process' resident memory. */
  ofBare: number
  /** Until it had come to rest. */
  startCpuMs: number
  /** Thousandths of one CPU, on average after that. */
  milliCPU: number
}

/** Measures agents as the manifest starts them, beside a bare Node.js process and, if there is one, node_exporter. */
async function main(given: Options<typeof options>): Promise<number> {
  const { json, seconds, hours, 'node-exporter': exporter } = given
  const tell = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`)
  const folder = await temporaryFolder('bench-agent-')
  const image = await makeImage(['agent', 'common'])
  const slow = [await startController(), await startController()]
  const quick = [await startController(), await startController()]
  for (const each of quick)
    each.answer = () => ({ status: 202, body: { nextReportSeconds: 15 / compression } })
  const { certFile, keyFile } = slow[0]?.files ?? { certFile: '', keyFile: '' }
  await writeFile(join(folder.path, 'token'), 'a.b.c')
  const flags = (controllers: FakeController[]) => agentFlags(controllers, join(folder.path, 'token'))
  const exporterPort = await freePort()
  const bare = ['--import=./common/image/plain.mjs', 'test/bench/agent/bare.ts', certFile, keyFile]
  const compressed = [
    `--sample-interval=${5000 / compression}ms`,
    `--report-interval=${15_000 / compression}ms`,
  ]
  const start = (name: string, command: readonly string[]) => startMeasured(name, command)
  const running: Measured[] = []
  try {
    running.push(start('bare Node.js, listening on TLS', bareCommand(bare)))
    running.push(start('agent, as the manifest starts it', [...agentCommand(image), ...flags(slow)]))
    running.push(
      start('agent, from source without flags', [process.execPath, 'agent/main.ts', ...flags(slow)]),
    )
    if (exporter) {
      running.push(start('node_exporter', [exporter, `--web.listen-address=127.0.0.1:${exporterPort}`]))
    }
    const day = start('agent, compressed', [...agentCommand(image), ...flags(quick), ...compressed])
    running.push(day)
    await clock.sleep(restMs)
    const rested = running.map((each) => each.look())
    const scraping = exporter
      ? setInterval(() => void call({ port: exporterPort, path: '/metrics' }), 15_000)
      : undefined
    await clock.sleep(seconds * 1000)
    clearInterval(scraping)
    const looks = running.map((each, i) => [each, rested[i] as Footprint, each.look()] as const)
    const bareRss = looks[0]?.[2].rss ?? 0
    const rows = looks.map(([{ name }, before, after]) => rowOf(name, before, after, seconds, bareRss))
    print(rows.slice(0, -1), tell)
    const growth = await liveThrough(day, looks.at(-1)?.[2] as Footprint, hours, seconds)
    tell(growth.text)
    tell(peers)
    if (json) process.stdout.write(`${JSON.stringify([...rows.slice(0, -1), growth.result])}\n`)
    return 0
  } finally {
    await Promise.all(running.map((each) => each.stop()))
    await Promise.all([...slow, ...quick].map((each) => each.stop()))
    await image.remove()
    await folder.remove()
  }
}

// The very same flags as the agent's would make the comparison one of flags; it has none.
const bareCommand = (args: string[]) => [process.execPath, ...args]
const agentCommand = (image: Image) => [...image.command(workload), image.entry(workload)]

function agentFlags(controllers: readonly FakeController[], tokenFile: string): string[] {
  return [
    '--node-name=node-1',
    `--controller-url=${controllers.map(({ port }) => `https://127.0.0.1:${port}`)}`,
    `--token-file=${tokenFile}`,
    `--ca-file=${controllers[0]?.files.caFile}`,
    '--health-addr=127.0.0.1:0',
  ]
}

function rowOf(name: string, before: Footprint, after: Footprint, seconds: number, bareRss: number): Row {
  const mebibytes = (bytes: number) => Math.round((bytes / MiB) * 10) / 10
  return {
    name,
    workingSetMiB: after.workingSet === null ? null : mebibytes(after.workingSet),
    rssMiB: mebibytes(after.rss),
    anonymousMiB: mebibytes(after.anonymous),
    ofBare: Math.round((after.rss / bareRss) * 100) / 100,
    startCpuMs: Math.round(before.cpuMs),
    milliCPU: Math.round(((after.cpuMs - before.cpuMs) / seconds) * 100) / 100,
  }
}

function print(rows: readonly Row[], tell: (text: string) => void): void {
  const line = (cells: readonly (string | number)[]) =>
    tell(cells.map((cell, i) => (i === 0 ? String(cell).padEnd(36) : String(cell).padStart(13))).join(''))
  line(['process', 'working set', 'RSS', 'anonymous', 'of bare RSS', 'start CPU ms', 'then mCPU'])
  for (const { name, workingSetMiB, rssMiB, anonymousMiB, ofBare, startCpuMs, milliCPU } of rows) {
    line([name, workingSetMiB ?? 'no cgroup', rssMiB, anonymousMiB, ofBare, startCpuMs, milliCPU])
  }
  tell('MiB; two controllers; default intervals')
}

/** Lets the agent live on until it has seen `hours`, and says what it took before and after. */
async function liveThrough(day: Measured, before: Footprint, hours: number, seconds: number) {
  const lived = (restMs + seconds * 1000) * compression
  const left = Math.max(0, hours * 3_600_000 - lived)
  await clock.sleep(left / compression)
  const after = day.look()
  const mebibytes = ({ workingSet, anonymous }: Footprint) => ((workingSet ?? anonymous) / MiB).toFixed(1)
  const at = (ms: number) => `${(ms / 3_600_000).toFixed(1)} h`
  const result = { name: 'growth', from: at(lived), to: at(lived + left), before, after }
  const text = `50 times as fast: ${mebibytes(before)} MiB after ${at(lived)}, ${mebibytes(after)} MiB after ${at(lived + left)}`
  return { result, text }
}

const peers =
  'for scale: node_exporter is published at about 17 MiB, and kube-prometheus grants it 102m CPU and 180Mi; metrics-server takes 1 mCPU and 2 MB for each node'

export const agentSuite = () =>
  runCommandLine({ name: 'npm run bench -- agent', summary: 'measures the agent.', options, main })
