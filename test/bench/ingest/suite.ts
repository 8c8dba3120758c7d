import { type ChildProcess, fork } from 'node:child_process'
import { once, setMaxListeners } from 'node:events'
import { systemClock as clock } from '../../../common/clock.ts'
import type { Options, OptionTable } from '../../../common/options.ts'
import { type CertificateFiles, makeCertificates } from '../../fixtures/certificates.ts'
import { runCommandLine } from '../../fixtures/command-line.ts'
import { entrust } from '../../fixtures/reaper.ts'
import { cpuMsOf, statusOf } from '../proc.ts'
import { startAgents } from './agents.ts'
import type { Told } from './server.ts'

const options = {
  json: { type: 'boolean', default: 'false', description: 'Print the results as one JSON array.' },
  nodes: {
    type: 'list',
    default: '100,1000,5000',
    description: 'Sizes of the cluster, one after the other.',
  },
  seconds: {
    type: 'integer',
    default: '45',
    min: 15,
    description: 'How long each is measured, after all are connected.',
  },
} as const satisfies OptionTable

const intervalMs = 15_000
// 5,000 handshakes take the sender longer than they take us.
const connectMs = 2 * intervalMs
const script = new URL('server.ts', import.meta.url).pathname

interface Row {
  nodes: number
  reportsPerSecond: number
  /** Percent of one CPU, of the process that takes the reports. */
  cpuPercent: number
  cpuMicrosPerReport: number
  p50Ms: number
  p99Ms: number
  failures: number
  /** What the figures of a node take, and the whole process for each node, connection included. */
  storeKiBPerNode: number
  rssKiBPerNode: number
  /** CPU for a node's first report: handshake, token and all. */
  firstReportMs: number
}

/** Lets agents report over TLS to one controller's ingest, and measures that. */
async function main({ json, nodes, seconds }: Options<typeof options>): Promise<number> {
  const files = await makeCertificates(['127.0.0.1'])
  const line = (cells: readonly (string | number)[]) =>
    json || process.stdout.write(`${cells.map((cell) => String(cell).padStart(15)).join('')}\n`)
  line([
    'nodes',
    'reports/s',
    '% of a CPU',
    'CPU us/report',
    'p50 ms',
    'p99 ms',
    'failures',
    'store KiB/node',
    'RSS KiB/node',
    'first CPU ms',
  ])
  const rows: Row[] = []
  try {
    for (const size of nodes) {
      const row = await measure(Number(size), seconds, files)
      rows.push(row)
      line(Object.values(row))
    }
  } finally {
    await files.remove()
  }
  if (json) process.stdout.write(`${JSON.stringify(rows)}\n`)
  else process.stdout.write(`${peers}\n`)
  return rows.some(({ failures }) => failures > 0) ? 1 : 0
}

async function measure(
  nodes: number,
  seconds: number,
  { certFile, keyFile, ca }: CertificateFiles,
): Promise<Row> {
  setMaxListeners(0)
  const server = fork(script, [certFile, keyFile])
  const pid = server.pid ?? 0
  const release = entrust({ pid })
  const [{ port }] = (await once(server, 'message')) as [{ port: number }]
  const empty = { ...(await ask(server)), rss: statusOf(pid, 'VmRSS'), cpuMs: cpuMsOf(pid) }
  const fleet = startAgents({ clock }, { nodes, intervalMs, connectMs, port, ca })
  try {
    await clock.sleep(connectMs)
    const connected = cpuMsOf(pid)
    await clock.sleep(5_000)
    fleet.takeLatencies()
    const [before, started] = [cpuMsOf(pid), performance.now()]
    await clock.sleep(seconds * 1000)
    const [cpuMs, ms] = [cpuMsOf(pid) - before, performance.now() - started]
    const latencies = fleet.takeLatencies().sort((a, b) => a - b)
    const full = { ...(await ask(server)), rss: statusOf(pid, 'VmRSS') }
    const quantile = (share: number) => rounded(latencies[Math.floor(latencies.length * share)] ?? Number.NaN)
    return {
      nodes,
      reportsPerSecond: rounded(latencies.length / (ms / 1000)),
      cpuPercent: rounded((cpuMs / ms) * 100),
      cpuMicrosPerReport: Math.round((cpuMs * 1000) / latencies.length),
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      failures: fleet.failures + nodes - full.agents,
      storeKiBPerNode: rounded((full.storeBytes - empty.storeBytes) / nodes / 1024),
      rssKiBPerNode: rounded((full.rss - empty.rss) / nodes / 1024),
      firstReportMs: rounded((connected - empty.cpuMs) / nodes),
    }
  } finally {
    fleet.stop()
    server.disconnect()
    await once(server, 'exit')
    release()
  }
}

async function ask(server: ChildProcess): Promise<Extract<Told, { agents: number }>> {
  server.send('look')
  const [told] = (await once(server, 'message')) as [Extract<Told, { agents: number }>]
  return told
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

const peers =
  'every report over TLS 1.3 on a connection kept alive; aim: below 20 % of a CPU at 5,000 nodes, and as much for each report at 100\nfor scale: metrics-server is given 1 mCPU for each node, 5 CPUs at 5,000, and 2 MB of memory'

export const ingestSuite = () =>
  runCommandLine({
    name: 'npm run bench -- ingest',
    summary: "measures the controller's ingest.",
    options,
    main,
  })
