import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:https'
import { connect } from 'node:tls'
import { chanceOf } from '../../fixtures/chance.ts'
import { webhookNodeFlags } from '../../fixtures/webhook-flags.ts'
import { type FuzzCall, nextCall } from './calls.ts'

export interface FuzzResult {
  runs: number
  /** Times the server ended or dropped a call that it should have answered. */
  crashes: number
  /** Calls without an answer within three seconds. */
  hangs: number
  /** Answers with a status or a body that is not right. */
  wrongStatus: number
  /** Memory of the server at the end less that when it was warm, each after a full collection; not below 0. */
  rssGrowthMB: number
}

export interface FuzzOptions {
  runs: number
  seed: number
  tell: (line: string) => void
}

const parallel = 8
const answerMs = 3_000
const mostTold = 10
/** Calls until code is compiled and the heap has its size. */
const warmUp = 3_000

/** Sends reviews and what is none to a webhook of its own process, over TLS on loopback. */
export async function fuzzAdmission({ runs, seed, tell }: FuzzOptions): Promise<FuzzResult> {
  const entry = new URL('../../fixtures/webhook-process.ts', import.meta.url)
  const child = fork(entry, ['ours'], { execArgv: ['--expose-gc', ...webhookNodeFlags()] })
  const [{ port, ca }] = (await once(child, 'message')) as [{ port: number; ca: string }]
  const agent = new Agent({ keepAlive: true, maxSockets: parallel, ca })
  const result: FuzzResult = { runs: 0, crashes: 0, hangs: 0, wrongStatus: 0, rssGrowthMB: 0 }
  let told = 0
  const note = (what: 'crashes' | 'hangs' | 'wrongStatus', run: number, why: string) => {
    result[what]++
    if (told++ < mostTold) tell(`${what} in run ${run} of seed ${seed}: ${why}`)
  }
  let next = 0
  const worker = async (until: number) => {
    while (next < until && child.exitCode === null && child.signalCode === null) {
      const run = next++
      const call = nextCall(chanceOf(seed * 1_000_003 + run))
      if (run % 97 === 0) await sendGarbage(port, chanceOf(run).below(300))
      const problem = await attempt({ port, agent }, call)
      result.runs++
      if (problem) note(problem.what, run, problem.why)
    }
  }
  const phase = (until: number) => Promise.all(Array.from({ length: parallel }, () => worker(until)))
  try {
    await phase(Math.max(Math.ceil(runs / 10), Math.min(warmUp, Math.ceil(runs / 2))))
    const before = await rss(child)
    await phase(runs)
    if (child.exitCode !== null || child.signalCode !== null) note('crashes', next, 'the process has ended')
    else result.rssGrowthMB = Math.max(0, (await rss(child)) - before)
    return result
  } finally {
    agent.destroy()
    if (child.connected) child.disconnect()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
}

async function rss(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message')
  child.send('usage')
  const [{ rssMB }] = (await answer) as [{ rssMB: number }]
  return rssMB
}

interface Problem {
  what: 'crashes' | 'hangs' | 'wrongStatus'
  why: string
}

interface Target {
  port: number
  agent: Agent
}

async function attempt(target: Target, call: FuzzCall): Promise<Problem | undefined> {
  const about = `${call.method} ${call.path} with ${call.body.length} bytes`
  const reply = await send(target, call)
  if (call.expected.length === 0) return undefined
  if (reply === 'hang') return { what: 'hangs', why: about }
  if (typeof reply === 'string') return { what: 'crashes', why: `${about}: ${reply}` }
  if (!call.expected.includes(reply.status))
    return {
      what: 'wrongStatus',
      why: `${about} got ${reply.status}, not ${call.expected}: ${reply.body.slice(0, 300)}`,
    }
  const wrong = call.uid === undefined ? undefined : wrongReview(reply.body, call)
  return wrong ? { what: 'wrongStatus', why: `${about}: ${wrong}: ${reply.body.slice(0, 300)}` } : undefined
}

/** What is wrong with an answer of 200; undefined if it is one that the API server takes. */
function wrongReview(body: string, { uid, path }: FuzzCall): string | undefined {
  const { apiVersion, kind, response } = JSON.parse(body)
  if (apiVersion !== 'admission.k8s.io/v1' || kind !== 'AdmissionReview') return 'no AdmissionReview'
  if (response.uid !== uid) return 'another uid'
  if (path.startsWith('/validate') && ('patch' in response || 'patchType' in response))
    return 'a patch where none may be'
  if (path.startsWith('/mutate') && !response.allowed) return 'a mutating path refused'
  if ('patch' in response !== 'patchType' in response) return 'patch and patchType go together'
  if ((response.warnings ?? []).some((warning: string) => warning.length >= 120)) return 'a long warning'
  if (response.allowed) return undefined
  const causes: { field: string }[] = response.status?.details?.causes ?? []
  if (response.status?.code !== 422 || causes.length === 0) return 'a denial without 422 and causes'
  const isSorted = causes.every(({ field }, i) => i === 0 || (causes[i - 1]?.field ?? '') <= field)
  return isSorted ? undefined : 'causes are not sorted'
}

/** The reply, `hang`, or what the connection met. */
function send({ port, agent }: Target, call: FuzzCall): Promise<{ status: number; body: string } | string> {
  const { promise, resolve } = Promise.withResolvers<{ status: number; body: string } | string>()
  const { method, path, headers, body, cutAfter } = call
  const length = cutAfter === undefined ? { 'content-length': String(body.length) } : {}
  const outgoing = request({
    host: '127.0.0.1',
    port,
    agent,
    method,
    path,
    headers: {
      ...length,
      ...(cutAfter !== undefined && call.expected.length === 0
        ? { 'content-length': String(body.length) }
        : {}),
      ...headers,
    },
  })
  const timer = setTimeout(() => {
    resolve('hang')
    outgoing.destroy()
  }, answerMs)
  const finish = (outcome: { status: number; body: string } | string) => {
    clearTimeout(timer)
    resolve(outcome)
  }
  outgoing.on('error', (error) => finish(error.message))
  outgoing.on('response', (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', (error) => finish(error.message))
    response.on('end', () =>
      finish({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
    )
  })
  if (cutAfter === undefined) outgoing.end(body)
  else {
    outgoing.write(body.subarray(0, cutAfter))
    if (call.expected.length === 0) setImmediate(() => outgoing.destroy())
  }
  return promise
}

/** Bytes that are no HTTP, on a TLS connection of their own. */
function sendGarbage(port: number, length: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () =>
    socket.end(Buffer.alloc(length, 'GET \r\n\u0000')),
  )
  socket.setTimeout(answerMs, () => socket.destroy())
  socket.on('error', () => undefined) // it is what was asked for
  socket.resume()
  socket.on('close', () => resolve())
  return promise
}
