import type { Report } from '../../common/report.ts'
import { agentToken } from '../fixtures/agent-token.ts'
import type { Chance } from '../fixtures/chance.ts'

/** A node as its own agent knows it. */
export interface Witness {
  node: string
  uid: string
  memoryBytes: number
  /** Starts of its agent so far, the last one speaks. */
  starts: number
  /** Of that start's reports, those that were taken; 0 before the first. */
  seq: number
  /** Those of its starts that had a report taken, the newest first, the present one not among them. */
  earlier: readonly number[]
}

/** What is sent, and what the contract says it is answered. */
export interface Case {
  reason: string
  status: number
  method?: string
  path?: string
  headers?: Record<string, string>
  body: string | Buffer
}

type Make = (chance: Chance, witness: Witness) => Omit<Case, 'reason'>

const bearer = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' })
const own = ({ node, uid }: Witness) => bearer(agentToken({ node, uid }))

/** The next report of a node; sending it is what moves its `seq` on. */
export function nextReport(chance: Chance, { node, memoryBytes, starts, seq }: Witness): Report {
  const avg = chance.below(1000) / 1000
  const cpu = { busy: { min: avg / 2, avg, max: Math.min(1, avg * 1.5), last: avg }, steal: 0, iowait: 0 }
  const workingSetBytes = chance.below(memoryBytes)
  return {
    version: 1,
    node,
    bootId: `boot/${starts}`,
    seq: seq + 1,
    at: new Date().toISOString(),
    uptimeSeconds: chance.below(1e6),
    windowSeconds: 15,
    samples: 3,
    cores: 1 + chance.below(64),
    cpu,
    memory: { totalBytes: memoryBytes, availableBytes: memoryBytes - workingSetBytes, workingSetBytes },
    psi: { cpuSome: 0.1, memorySome: 0.1, memoryFull: 0.01, ioSome: 0, ioFull: 0 },
    inventory: { os: 'Linux', kernel: '6.1', model: 'KVM', diskBytes: 1e10 },
    final: false,
  }
}

const wrongNumbers = [
  '-1',
  '-0.001',
  '1e308',
  '1e400',
  '-1e400',
  'NaN',
  'Infinity',
  '"1"',
  'null',
  'true',
  '[]',
  '{}',
  '[1]',
]
const wrongTexts = ['""', '1', 'null', 'false', '[]', '{}', JSON.stringify('x'.repeat(300))]
const wrongTimes = ['"yesterday"', '"2026-13-01T00:00:00Z"', '"2026-02-01"', '1770000000', '""', 'null']
const wrongFlags = ['"yes"', '1', '0', 'null', '[]']
const optional = new Set(['psi', 'inventory', 'final', 'os', 'kernel', 'model', 'diskBytes'])

/** One wrong value in a report that is right otherwise; as text, for JSON has no way to write some of them. */
function withWrongValue(chance: Chance, report: Report): string {
  const path = chance.of(leavesOf(report))
  const name = path.at(-1) ?? ''
  const value = valueAt(report, path)
  const words =
    typeof value === 'number'
      ? wrongNumbers
      : typeof value === 'boolean'
        ? wrongFlags
        : name === 'at'
          ? wrongTimes
          : wrongTexts
  // An inventory may leave any text empty.
  const wrong = chance.of(path[0] === 'inventory' ? words.filter((word) => word !== '""') : words)
  return replaceAt(report, path, wrong)
}

function leavesOf(value: object, above: readonly string[] = []): string[][] {
  return Object.entries(value).flatMap(([name, child]) =>
    child !== null && typeof child === 'object' ? leavesOf(child, [...above, name]) : [[...above, name]],
  )
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((at, name) => (at as Record<string, unknown>)[name], value)
}

/** The object as JSON with the text at `path`, or without it. */
function replaceAt(object: object, path: readonly string[], text: string | undefined): string {
  const copy = structuredClone(object)
  const parent = valueAt(copy, path.slice(0, -1)) as Record<string, unknown>
  const name = path.at(-1) ?? ''
  if (text === undefined) {
    delete parent[name]
    return JSON.stringify(copy)
  }
  const mark = 'the wrong value'
  parent[name] = mark
  return JSON.stringify(copy).replace(JSON.stringify(mark), () => text)
}

/** Any JSON at all. */
function anyValue(chance: Chance, depth = 0): unknown {
  const kind = chance.below(depth > 4 ? 5 : 8)
  if (kind === 0) return null
  if (kind === 1) return chance.happens(50)
  if (kind === 2) return (chance.below(2 ** 32) - 2 ** 31) * 10 ** (chance.below(20) - 10)
  if (kind <= 4)
    return String.fromCharCode(...Array.from({ length: chance.below(20) }, () => chance.below(0xd000)))
  const children = Array.from({ length: chance.below(6) }, () => anyValue(chance, depth + 1))
  if (kind === 5) return children
  const names = ['version', 'node', 'cpu', 'memory', 'seq', '__proto__', 'constructor', 'toString', '']
  return Object.fromEntries(children.map((child) => [chance.of(names), child]))
}

const noise = (chance: Chance, length: number) => Buffer.from(Array.from({ length }, () => chance.below(256)))

/** Every way to be wrong that the contract has an answer for, and the one to be right. */
export const cases: Readonly<Record<string, Make>> = {
  good: (chance, witness) => ({
    status: 202,
    headers: own(witness),
    body: JSON.stringify(nextReport(chance, witness)),
  }),
  'wrong value': (chance, witness) => ({
    status: 400,
    headers: own(witness),
    body: withWrongValue(chance, nextReport(chance, witness)),
  }),
  'missing field': (chance, witness) => {
    const report = nextReport(chance, witness)
    const paths = leavesOf(report).filter((path) => !optional.has(path.at(-1) ?? ''))
    return { status: 400, headers: own(witness), body: replaceAt(report, chance.of(paths), undefined) }
  },
  'unknown version': (chance, witness) => ({
    status: 400,
    headers: own(witness),
    body: replaceAt(nextReport(chance, witness), ['version'], chance.of(['0', '2', '"1"', '1.5', '[1]'])),
  }),
  'figures that contradict each other': (chance, witness) => {
    const report = nextReport(chance, witness)
    const { memory } = report
    const more = memory.totalBytes + 1
    const body = chance.of([
      { ...report, cpu: { ...report.cpu, busy: { min: 0.9, avg: 0.5, max: 0.6, last: 0.5 } } },
      { ...report, cpu: { ...report.cpu, steal: 1, iowait: 1 } },
      { ...report, memory: { ...memory, workingSetBytes: more } },
      { ...report, memory: { ...memory, availableBytes: more } },
      { ...report, memory: { totalBytes: 0, availableBytes: 0, workingSetBytes: 0 } },
    ])
    return { status: 400, headers: own(witness), body: JSON.stringify(body) }
  },
  'another machine': (chance, witness) => ({
    status: 400,
    headers: own(witness),
    body: JSON.stringify(
      nextReport(chance, {
        ...witness,
        memoryBytes: Math.floor(witness.memoryBytes * chance.of([0.1, 0.9, 1.1, 100])),
      }),
    ),
  }),
  'any JSON': (chance, witness) => ({
    status: 400,
    headers: own(witness),
    body: JSON.stringify(anyValue(chance)),
  }),
  'cut JSON': (chance, witness) => {
    const body = JSON.stringify(nextReport(chance, witness))
    return { status: 400, headers: own(witness), body: body.slice(0, chance.below(body.length)) }
  },
  noise: (chance, witness) => ({
    status: 400,
    headers: own(witness),
    body: noise(chance, 1 + chance.below(2000)),
  }),
  'nested without end': (chance, witness) => ({
    status: 400,
    headers: own(witness),
    body: chance.of(['[', '{"a":']).repeat(2000),
  }),
  'no body': (_, witness) => ({ status: 400, headers: own(witness), body: '' }),
  'too large': (chance, witness) => {
    const body = JSON.stringify({
      ...nextReport(chance, witness),
      more: 'x'.repeat(16_384 + chance.below(100_000)),
    })
    return {
      status: 413,
      headers: { ...own(witness), ...(chance.happens(50) && { 'transfer-encoding': 'chunked' }) },
      body,
    }
  },
  'another media type': (chance, witness) => ({
    status: 415,
    headers: {
      ...own(witness),
      ...chance.of<Record<string, string>>([
        { 'content-type': 'text/plain' },
        { 'content-encoding': 'gzip' },
        { 'content-type': '' },
      ]),
    },
    body: JSON.stringify(nextReport(chance, witness)),
  }),
  'forged for another node': (chance, witness) => ({
    status: 403,
    headers: bearer(agentToken({ node: `${witness.node}-b`, uid: witness.uid })),
    body: JSON.stringify(nextReport(chance, witness)),
  }),
  "an earlier Node's token": (chance, witness) => ({
    status: 403,
    headers: bearer(agentToken({ node: witness.node, uid: 'of a Node that was deleted' })),
    body: JSON.stringify(nextReport(chance, witness)),
  }),
  replayed: (chance, witness) => ({
    status: witness.seq > 0 ? 409 : 400,
    headers: own(witness),
    body: JSON.stringify({
      ...nextReport(chance, witness),
      seq: chance.below(witness.seq + 1) || Math.min(1, witness.seq),
    }),
  }),
  'of an earlier start': (chance, witness) => {
    const { seq, earlier } = witness
    // Until the present start has spoken the one before it is the present one.
    if (seq === 0 || earlier.length === 0) return { status: 400, headers: own(witness), body: '' }
    const bootId = `boot/${chance.of(earlier.slice(0, 8))}`
    return {
      status: 409,
      headers: own(witness),
      body: JSON.stringify({ ...nextReport(chance, witness), bootId }),
    }
  },
  'no token': (chance, witness) => ({
    status: 401,
    headers: {
      'content-type': 'application/json',
      ...chance.of<Record<string, string>>([
        {},
        { authorization: 'Basic abc' },
        { authorization: 'Bearer ' },
        { authorization: `Bearer ${'x'.repeat(chance.below(8000))}` },
      ]),
    },
    body: JSON.stringify(nextReport(chance, witness)),
  }),
  'a token that is no good': (chance, witness) => ({
    status: 401,
    headers: bearer(
      agentToken({
        node: witness.node,
        uid: witness.uid,
        ...chance.of([
          { audience: 'https://kubernetes.default.svc' },
          { expiresAt: Date.now() - 1000 },
          { account: 'default' },
          { isRevoked: true },
        ]),
      }),
    ),
    body: JSON.stringify(nextReport(chance, witness)),
  }),
  'headers beyond all measure': (_, witness) => ({
    status: 431,
    headers: { ...own(witness), 'x-long': 'x'.repeat(20_000) },
    body: '{}',
  }),
  'another path': (chance, witness) => ({
    status: 404,
    headers: own(witness),
    path: chance.of(['/', '/v1/reports/', '/v2/reports', '/metrics', '/%00']),
    body: '{}',
  }),
  'another method': (chance, witness) => ({
    status: 405,
    headers: own(witness),
    method: chance.of(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']),
    body: '',
  }),
}
