import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Options, OptionTable } from '../../../common/options.ts'
import { runCommandLine } from '../../fixtures/command-line.ts'
import { webhookNodeFlags } from '../../fixtures/webhook-flags.ts'
import { load, type Target } from './load.ts'
import { type ReviewBody, reviews } from './reviews.ts'

const options = {
  json: { type: 'boolean', default: 'false', description: 'Print the results as one JSON array.' },
  reviews: {
    type: 'integer',
    default: '5000',
    min: 100,
    max: 1_000_000,
    description: 'Reviews of each size in one round; a twentieth of 200 KB.',
  },
  rounds: {
    type: 'integer',
    default: '6',
    min: 1,
    max: 100,
    description:
      'Rounds, in turns with the other server; the best counts, when others used the machine least.',
  },
} as const satisfies OptionTable

interface Result {
  server: string
  review: string
  reviewsPerCpuSecond: number
  microseconds: number
  p50Ms: number
  p99Ms: number
  rssMB: number
}

const connections = 8
const names = ['ours', 'echo'] as const
const servers = { ours: 'the webhook with all checks', echo: 'node:https that parses and answers' } as const
/** The Go autoscaler's webhook, v0.7, measured on two cores at 8 connections with a minimal NodeGroup. */
const peer = ['its predecessor in Go', 'minimal', '19,400', '51', '', '2–3', '33']

async function main({ json, reviews: whole, rounds }: Options<typeof options>): Promise<number> {
  const results: Result[] = []
  const row = (cells: readonly string[]) =>
    json ||
    process.stdout.write(
      `${cells.map((cell, i) => (i === 0 ? cell.padEnd(38) : cell.padStart(12))).join(' ')}\n`,
    )
  row(['server', 'review', 'per CPU s', 'µs each', 'p50 ms', 'p99 ms', 'RSS MB'])
  for (const review of reviews) {
    const count = review.body.length > 100_000 ? Math.ceil(whole / 20) : whole
    const running: Running[] = []
    try {
      for (const server of names) running.push(await start(server, review, count * 2))
      const all: Result[][] = running.map(() => [])
      for (let i = 0; i < rounds; i++)
        for (const [k, each] of running.entries()) all[k]?.push(await round(each, count))
      for (const each of all) {
        const best = each.reduce((a, b) => (a.microseconds <= b.microseconds ? a : b))
        results.push(best)
        row(cellsOf(best))
      }
    } finally {
      for (const each of running) await stop(each)
    }
  }
  row(peer)
  if (json) process.stdout.write(`${JSON.stringify(results)}\n`)
  return 0
}

/** A server that runs, warm. Each has its own process, so that its memory is that of its load alone. */
async function start(
  server: keyof typeof servers,
  { name, body }: ReviewBody,
  count: number,
): Promise<Running> {
  const child = fork(new URL('../../fixtures/webhook-process.ts', import.meta.url), [server], {
    execArgv: webhookNodeFlags(),
  })
  const target = (await ask(child)) as Target
  await load(target, body, count, connections)
  return { server, review: name, body, child, target }
}

interface Running {
  server: keyof typeof servers
  review: string
  body: string
  child: ChildProcess
  target: Target
}

async function round({ server, review, body, child, target }: Running, count: number): Promise<Result> {
  const before = await usage(child)
  const times = await load(target, body, count, connections)
  const after = await usage(child)
  const cpu = after.cpuMicroseconds - before.cpuMicroseconds
  const at = (share: number) => Math.round((times[Math.floor(times.length * share)] ?? 0) * 100) / 100
  return {
    server,
    review,
    reviewsPerCpuSecond: Math.round((count / cpu) * 1e6),
    microseconds: Math.round((cpu / count) * 10) / 10,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    rssMB: after.rssMB,
  }
}

async function stop({ child }: Running): Promise<void> {
  child.disconnect()
  if (child.exitCode === null) await once(child, 'exit')
}

async function ask(child: ChildProcess): Promise<unknown> {
  const [message] = await once(child, 'message')
  return message
}

function usage(child: ChildProcess): Promise<{ cpuMicroseconds: number; rssMB: number }> {
  const answer = ask(child)
  child.send('usage')
  return answer as Promise<{ cpuMicroseconds: number; rssMB: number }>
}

function cellsOf({
  server,
  review,
  reviewsPerCpuSecond,
  microseconds,
  p50Ms,
  p99Ms,
  rssMB,
}: Result): string[] {
  const name = servers[server as keyof typeof servers]
  return [
    name,
    review,
    reviewsPerCpuSecond.toLocaleString('en'),
    ...[microseconds, p50Ms, p99Ms, rssMB].map(String),
  ]
}

/** What a review costs, beside a server that does nothing but parse and answer. */
export function webhookSuite(): Promise<void> {
  return runCommandLine({
    name: 'npm run bench -- webhook',
    summary: 'measures admission reviews over TLS.',
    options,
    main,
  })
}
