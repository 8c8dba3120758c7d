import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { stringify } from 'yaml'
import { decideOptions } from '../../controller/decide/options.ts'
import type { Plan } from '../../controller/decide/plan.ts'
import { cutJSON, type Piece } from '../../controller/simulate/pieces.ts'
import { createProgress } from '../../controller/simulate/progress.ts'
import { simulate } from '../../controller/simulate/run.ts'
import { boundPod, node, nodeGroup, pod, requests } from '../fixtures/objects.ts'

const table = {
  ...decideOptions,
  namespaces: { type: 'list', default: 'kube-system', description: 'Namespaces of NodeGroups.' },
} as const

const at = ['--at', '2026-01-02T00:00:00Z']
const small = {
  apiVersion: 'simulate.autoscaler.vpsie.com/v1',
  kind: 'Offering',
  metadata: { name: 'small' },
  spec: { cpu: 2, memoryMB: 4096, diskGB: 50, monthlyPrice: 10 },
}
const usage = {
  apiVersion: 'simulate.autoscaler.vpsie.com/v1',
  kind: 'NodeUsage',
  metadata: { name: 'node-1' },
  spec: { cpuPercent: 5, memoryPercent: 5, coverage: 1, since: '2026-01-01T00:00:00Z' },
}
const list = (...items: unknown[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
const documents = (...items: unknown[]) => items.map((item) => stringify(item)).join('---\n')

/** Runs the command over files that exist in memory only. */
async function run(
  files: Record<string, string | Buffer>,
  ...args: string[]
): Promise<{ code: number; out: string; err: string; plan: Plan }> {
  let out = ''
  let err = ''
  let tick = 0
  const deps = {
    async *readFile(name: string) {
      const content = files[name]
      if (content === undefined) throw new Error(`no such file: ${name}`)
      // In parts that end anywhere.
      const bytes = Buffer.from(content)
      for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
    },
    isTerminal: false,
    now: () => Date.parse('2026-01-02T00:00:00Z'),
    monotonic: () => tick++,
    out: (text: string) => {
      out += text
    },
    err: (text: string) => {
      err += text
    },
  }
  const code = await simulate(deps, args, table)
  return { code, out, err, plan: out.startsWith('{') ? (JSON.parse(out) as Plan) : ({} as Plan) }
}

const everything = [
  nodeGroup(),
  small,
  node(),
  boundPod('a', 'node-1'),
  pod('b', { requests: requests('2500m', '1Gi') }),
]

t.test('prints the plan of a List as JSON', async (t) => {
  const { code, plan, err } = await run({ s: list(...everything) }, '--state', 's', ...at, '-o', 'json')
  t.equal(code, 0)
  t.equal(err, '')
  t.match(plan, {
    at: '2026-01-02T00:00:00Z',
    actions: [],
    pods: [
      { pod: 'default/a', verdict: 'bound', node: 'node-1' },
      {
        pod: 'default/b',
        verdict: 'unschedulable',
        reasons: [{ code: 'NoGroupFits' }, { code: 'NodeResourcesFit' }],
      },
    ],
    nodes: [{ node: 'node-1', nodeGroup: 'kube-system/workers', verdict: 'keep' }],
    monthlyCost: { now: 10, planned: 10 },
    durationMs: { parse: 1, decide: 1 },
  })
})

t.test('every way of writing a state down gives the same plan', async (t) => {
  const { out: expected } = await run({ s: list(...everything) }, '--state', 's', ...at, '-o', 'json')
  const ways: Record<string, [Record<string, string | Buffer>, string[]]> = {
    'documents of YAML': [{ s: documents(...everything) }, ['--state', 's']],
    'a List as kubectl writes it': [
      { s: stringify({ apiVersion: 'v1', items: everything, kind: 'List' }, { indentSeq: false }) },
      ['--state', 's'],
    ],
    'packed JSON': [{ 's.gz': gzipSync(list(...everything)) }, ['--state', 's.gz']],
    'packed YAML': [{ 's.gz': gzipSync(documents(...everything)) }, ['--state', 's.gz']],
    'several files after one flag': [
      { a: list(...everything.slice(0, 2)), b: list(...everything.slice(2)) },
      ['--state', 'a', 'b'],
    ],
    'several flags': [
      { a: list(...everything.slice(0, 2)), b: list(...everything.slice(2)) },
      ['--state', 'b', '--state=a'],
    ],
    'another order': [{ s: list(...everything.toReversed()) }, ['--state', 's']],
    'a List in a document': [
      { s: `${documents(small, nodeGroup())}---\n${list(...everything.slice(2))}` },
      ['--state', 's'],
    ],
  }
  for (const [title, [files, args]] of Object.entries(ways)) {
    t.equal((await run(files, ...args, ...at, '-o', 'json')).out, expected, title)
  }
})

t.test('JSON is cut at its items wherever its parts end and whatever its texts hold', async (t) => {
  const value = fc.jsonValue()
  const item = fc.record({ kind: fc.constant('Pod'), data: value })
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 })
  const root = fc.record({ metadata: value, items: fc.array(item), kind: fc.constant('List') })
  const whole = fc.tuple(root, fc.boolean()).map(([one, isSpaced]) => ({
    one,
    text: JSON.stringify(one, null, isSpaced ? 2 : 0),
  }))
  fc.assert(
    fc.property(whole, sizes, ({ one, text }, lengths) => {
      const cutter = cutJSON()
      const pieces: Piece[] = []
      let at = 0
      for (let i = 0; at < text.length; i++) {
        const length = lengths[i % lengths.length] ?? 1
        pieces.push(...cutter.push(text.slice(at, at + length)))
        at += length
      }
      pieces.push(...cutter.end())
      const parsed = pieces.map((piece) => JSON.parse(piece.text) as unknown)
      const { items, ...rest } = JSON.parse(text) as typeof one
      t.strictSame(parsed.slice(0, -1), items)
      t.strictSame(parsed.at(-1), { ...rest, items: [] })
    }),
  )
})

t.test('tells a person at a terminal what takes long, and nobody else', async (t) => {
  for (const isTerminal of [true, false]) {
    const said: string[] = []
    let now = 0
    const progress = createProgress({ err: (text) => said.push(text), isTerminal, monotonic: () => now })
    progress.at('reading')
    now = 3000
    progress.at('reading')
    progress.at('reading')
    progress.done()
    t.strictSame(said, isTerminal ? ['\r\x1b[Kreading, 3 s', '\r\x1b[K'] : [])
  }
})

t.test('a PodList of the API server needs no kind at its items', async (t) => {
  const { kind: _, apiVersion: __, ...bare } = pod('b')
  const { plan } = await run(
    { a: list(nodeGroup(), small), b: JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items: [bare] }) },
    '--state',
    'a',
    'b',
    ...at,
    '-o',
    'json',
  )
  t.match(plan.actions, [{ type: 'create', count: 1, offering: 'small' }])
})

t.test('options of the controller can be set', async (t) => {
  const { plan } = await run(
    { s: list(nodeGroup(), small, pod()) },
    '--state',
    's',
    ...at,
    '--set',
    'max-monthly-cost=5',
    '-o',
    'json',
  )
  t.match(plan.pods, [{ verdict: 'unschedulable', reasons: [{ code: 'CostLimit' }] }])
})

t.test('usage counts as soon as there is any', async (t) => {
  const codes = async (...items: unknown[]) =>
    (
      await run({ s: list(nodeGroup(), small, ...items) }, '--state', 's', ...at, '-o', 'json')
    ).plan.nodes.map(({ reasons }) => reasons[0]?.code)
  t.strictSame(await codes(node()), ['NotUnneededLongEnough'])
  t.strictSame(await codes(node(), node('node-2'), usage), ['NotUnneededLongEnough', 'UsageUnknown'])
})

t.test('a NodeGroup that was never stored is taken as admission would store it', async (t) => {
  const sketch = {
    apiVersion: 'autoscaler.vpsie.com/v1alpha1',
    kind: 'NodeGroup',
    metadata: { name: 'workers', labels: { 'autoscaler.vpsie.com/managed': 'true' } },
    spec: { maxNodes: 3, offeringIDs: ['small'], scaleUpPolicy: { enabled: false } },
  }
  const { plan } = await run({ s: list(sketch, small, pod()) }, '--state', 's', ...at, '-o', 'json')
  t.match(plan, { pods: [{ verdict: 'unschedulable' }], groups: [{ nodeGroup: 'kube-system/workers' }] })
})

t.test('what the decision does not read is ignored with a note', async (t) => {
  const { code, err } = await run(
    {
      s: list(
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } },
        nodeGroup('other', { metadata: { labels: { 'autoscaler.vpsie.com/managed': 'false' } } }),
      ),
    },
    '--state',
    's',
  )
  t.equal(code, 0)
  t.equal(
    err,
    'note: ignored 1 of unknown kind ConfigMap (v1)\nnote: ignored NodeGroup kube-system/other: it has no label autoscaler.vpsie.com/managed=true\n',
  )
})

t.test('--fit answers for one pod and one node', async (t) => {
  const state = { s: list(node(), pod('a'), pod('b', { requests: requests('3', '1Gi') })) }
  t.strictSame(
    JSON.parse((await run(state, '--state', 's', '--fit', 'default/a@node-1', '-o', 'json')).out),
    {
      fits: true,
      reasons: [],
    },
  )
  t.match(JSON.parse((await run(state, '--state', 's', '--fit', 'default/b@node-1', '-o', 'json')).out), {
    fits: false,
    reasons: [{ code: 'NodeResourcesFit' }],
  })
  t.equal(
    (await run(state, '--state', 's', '--fit', 'default/b@node-1')).out,
    'NodeResourcesFit: insufficient 3 cpu asked, 2 of 2 free\n',
  )
})

t.test('--explain prints the sentences', async (t) => {
  const { out } = await run(
    { s: list(...everything) },
    '--state',
    's',
    ...at,
    '--explain',
    'node/node-1',
    '--explain',
    'pod/default/b',
    '--explain',
    'group/workers',
  )
  t.match(
    out,
    /^node node-1: keep \(NodeGroup kube-system\/workers\)\n {2}NoPlaceToMove \(default\/a\): .*\n[\s\S]*\npod default\/b: unschedulable\n {2}NoGroupFits: .*\n[\s\S]*group kube-system\/workers: 1 node, 1 wanted, 10\.00 a month\n/,
  )
})

t.test('the table names actions, nodes and the pods that wait', async (t) => {
  const { out } = await run({ s: list(nodeGroup(), small, pod()) }, '--state', 's', ...at)
  t.match(out, /^Plan at 2026-01-02T00:00:00Z: monthly cost 0\.00 now, 10\.00 planned$/m)
  t.match(out, /^create +kube-system\/workers +small +1 +10\.00 +ScaleUp$/m)
  t.match(out, /^default\/pod-1 +scaleUp +new-1 +NewNode/m)
})

const malformed: { title: string; spec: object; says: RegExp }[] = [
  {
    title: 'a quantity that is none',
    spec: { containers: [{ name: 'c', resources: { requests: { cpu: 'plenty' } } }] },
    says: /^Pod default\/bad spec\.containers\[0\]\.resources\.requests\.cpu: .*current value is "plenty"/,
  },
  {
    title: 'an operator that is none',
    spec: { containers: [], affinity: { nodeAffinity: required({ nodeSelectorTerms: [term('Like')] }) } },
    says: /nodeAffinity term 0 operator of zone must be In or .*: current value is "Like"/,
  },
  {
    title: 'a spread without slack',
    spec: {
      containers: [],
      topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
    },
    says: /topologySpreadConstraints\[0\]\.maxSkew must be a whole number of at least 1: current value is 0/,
  },
]

function required(terms: object) {
  return { requiredDuringSchedulingIgnoredDuringExecution: terms }
}

function term(operator: string) {
  return { matchExpressions: [{ key: 'zone', operator, values: ['a'] }] }
}

for (const { title, spec, says } of malformed) {
  t.test(`a pod with ${title} is told, and the others are planned`, async (t) => {
    const bad = { ...pod('bad'), spec }
    const { code, out } = await run(
      { s: list(small, nodeGroup(), bad, pod('good')) },
      '--state',
      's',
      '-o',
      'json',
    )
    t.equal(code, 0)
    const { pods } = JSON.parse(out) as Plan
    t.match(pods, [
      { pod: 'default/bad', verdict: 'ignored', reasons: [{ code: 'InvalidObject', message: says }] },
      { pod: 'default/good', verdict: 'scaleUp' },
    ])
  })
}

const offer = (spec: object) => list({ ...small, spec: { ...small.spec, ...spec } })

const mistakes: { title: string; file?: string; args?: string[]; says: RegExp }[] = [
  { title: 'no state', args: ['-o', 'json'], says: /--state is required/ },
  { title: 'an unknown flag', args: ['--state', 's', '--verbose', 'x'], says: /unknown option "--verbose"/ },
  {
    title: 'an unknown option',
    args: ['--state', 's', '--set', 'speed=1'],
    says: /--set: unknown option "--speed=1"/,
  },
  {
    title: 'a bad option',
    args: ['--state', 's', '--set', 'usage=maybe'],
    says: /usage: must be one of on, off: current value is "maybe"/,
  },
  {
    title: 'a bad time',
    args: ['--state', 's', '--at', 'noon'],
    says: /--at: must be an RFC 3339 time: current value is "noon"/,
  },
  {
    title: 'a bad output',
    args: ['--state', 's', '-o', 'xml'],
    says: /-o: must be one of json, table: current value is "xml"/,
  },
  { title: 'a missing file', args: ['--state', 'gone'], says: /cannot read "gone"/ },
  {
    title: 'a pod that is not there',
    args: ['--state', 's', '--fit', 'default/x@node-1'],
    says: /no unfinished pod "default\/x"/,
  },
  { title: 'broken JSON', file: '{"kind": ', says: /^s document 1: is not YAML|^s: is not JSON/ },
  { title: 'broken YAML', file: 'kind: Pod\n  metadata: [', says: /^s document 1: is not YAML/ },
  {
    title: 'a document that is no object',
    file: 'hello',
    says: /^s document 1: must be a Kubernetes object: current value is "hello"/,
  },
  {
    title: 'an object without a name',
    file: list({ apiVersion: 'v1', kind: 'Node', metadata: {} }),
    says: /^s items\[0\] Node metadata\.name: .*current value is undefined/,
  },
  {
    title: 'a price that is no number',
    file: offer({ monthlyPrice: 'cheap' }),
    says: /^s items\[0\] Offering small spec\.monthlyPrice: .*current value is "cheap"/,
  },
  {
    title: 'a negative size',
    file: offer({ cpu: -1 }),
    says: /^s items\[0\] Offering small spec\.cpu: .*current value is -1/,
  },
  {
    title: 'containers that are no list',
    file: list({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers: 'x' } }),
    says: /^s items\[0\] Pod a spec\.containers: .*current value is "x"/,
  },
  {
    title: 'one object twice',
    file: list(pod('a'), pod('a')),
    says: /^s items\[1\] Pod default\/a: is there twice/,
  },
  {
    title: 'a usage without a time',
    file: list({ ...usage, spec: { ...usage.spec, since: 'lately' } }),
    says: /NodeUsage node-1 spec\.since: .*current value is "lately"/,
  },
  {
    title: 'a NodeGroup field of the wrong type',
    file: list(nodeGroup('workers', { spec: { maxNodes: 'many' as unknown as number } })),
    says: /NodeGroup kube-system\/workers spec\.maxNodes: .*current value is "many"/,
  },
]

for (const { title, file = list(), args = ['--state', 's', '-o', 'json'], says } of mistakes) {
  t.test(`exits 2 for ${title}`, async (t) => {
    const { code, out, err } = await run({ s: file }, ...args)
    t.equal(code, 2)
    t.equal(out, '')
    t.match(err, says)
  })
}
