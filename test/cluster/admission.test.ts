import t, { type Test } from 'tap'
import type { KubeObject } from '../../common/kube/objects.ts'
import { type AdmissionCase, admissionCases, controllerAccount } from '../fixtures/admission-cases.ts'
import { nodeGroup, vpsieNode } from '../fixtures/objects.ts'
import { until } from '../fixtures/wait.ts'
import { openRealFloor } from '../floors/real.ts'
import { callsOf, type Outcome } from './admission/calls.ts'
import { permissiveDefinitions } from './admission/permissive.ts'
import { startWebhook } from './admission/webhook.ts'
import { kubectlOutput } from './kubectl.ts'

/*
 * Every case of test/webhook/cases through a real API server: first with no webhook, when schema and CEL are alone,
 * then with it. All calls are dry runs, so no case disturbs another.
 */

const { signal } = new AbortController()
const floor = await openRealFloor((line) => t.comment(line), signal)
t.teardown(() => floor.stop())
const calls = callsOf(floor)
const cases = admissionCases().map(withOwnName)
let current = cases[0] as AdmissionCase

await kubectlOutput(floor, ['create', 'namespace', 'edge'])
await kubectlOutput(floor, ['apply', '-f', '-'], {
  stdin: permissiveDefinitions()
    .map((definition) => JSON.stringify(definition))
    .join('\n---\n'),
})
await kubectlOutput(floor, ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
for (const each of cases) {
  const stored = each.operation === 'DELETE' ? each.object : each.old
  if (!stored) continue
  await until(
    `${each.title} has its old object`,
    async () => [201, 409].includes((await calls.plant(stored)).status),
    {},
    signal,
  )
}
await kubectlOutput(floor, ['apply', '-k', new URL('../../manifests/crds', import.meta.url).pathname])
const bad = nodeGroup('bad', { spec: { minNodes: -1 } })
await until('the schema is in force', async () => (await tryCreate(bad)).status === 422, {}, signal)
const webhook = await startWebhook(t, floor, () => current.around)

for (const each of cases) {
  t.test(`webhook away: ${each.file}: ${each.title}`, async (t) => {
    current = each
    const outcome = await calls.ask(each)
    if (isRefusedAlone(each)) checkAlone(t, each, outcome)
    else t.ok(outcome.status < 300, `${outcome.status} ${outcome.message}`)
  })
}

t.test('the configurations of the manifests are in force', async () => {
  await webhook.register()
  const refusal = cases.find(({ title }) => title === 'a time zone that there is not') as AdmissionCase
  current = refusal
  await until('the webhook is asked', async () => (await calls.ask(refusal)).status === 422, {}, signal)
})

for (const each of cases) {
  t.test(`webhook there: ${each.file}: ${each.title}`, async (t) => {
    current = each
    const outcome = await calls.ask(each)
    if (isRefusedAlone(each)) return checkAlone(t, each, outcome)
    // Of a mistake that its schema lets pass, because it is an old one, the API server warns by itself.
    const warnings = outcome.warnings.filter((warning) => !/^spec\.\S+: /.test(warning))
    if (!each.path.startsWith('/mutate')) t.same(warnings, each.warnings)
    if (each.by === 'webhook') {
      t.equal(outcome.status, 422, outcome.message)
      t.same(outcome.causes, each.refused)
    } else {
      t.ok(outcome.status < 300, `${outcome.status} ${outcome.message}`)
      if (each.patched && each.patched !== 'nothing') checkPatched(t, each.patched, outcome.object)
    }
  })
}

t.test('a NodeGroup with megabytes of managedFields is reviewed; one without a name gets one', async (t) => {
  current = cases[0] as AdmissionCase
  const annotations = { 'example.com/notes': 'x'.repeat(250_000) }
  const { name: _, ...metadata } = nodeGroup('', { metadata: { annotations } }).metadata
  const object = {
    ...nodeGroup(),
    metadata: { ...metadata, generateName: 'workers-' },
  } as unknown as KubeObject
  const outcome = await tryCreate(object)
  t.equal(outcome.status, 201, outcome.message)
  t.match(outcome.object.metadata.name, /^workers-\w+/)
})

t.test('with nobody behind the Service people wait, and the controller still makes VPSieNodes', async (t) => {
  await webhook.goAway()
  current = cases[0] as AdmissionCase
  const claim = vpsieNode('new-claim', { spec: { vpsieInstanceID: 0, vpsieNodeIdentifier: '' } })
  const create = (username: string) =>
    calls.ask({ ...current, operation: 'CREATE', object: claim, user: { username, groups: [] } })
  const person = await create('jane')
  t.equal(person.status, 500)
  t.match(person.message, /failed calling webhook "vpsienodes.autoscaler.vpsie.com"/)
  t.equal((await create(controllerAccount)).status, 201)
})

function tryCreate(object: KubeObject): Promise<Outcome> {
  return calls.ask({ ...(cases[0] as AdmissionCase), operation: 'CREATE', object })
}

/** True if the API server refuses without the webhook. */
function isRefusedAlone({ by }: AdmissionCase): boolean {
  return by !== undefined && by !== 'webhook'
}

/** The API server itself refuses, for a field that the webhook would name too. */
function checkAlone(t: Test, { by, refused }: AdmissionCase, { status, causes, message }: Outcome): void {
  t.equal(status, by === 'API server' ? 403 : 422, message)
  if (refused.length === 0) return
  const bare = (line: string) => line.replace(/: .*$/s, '').replace(/[["\].]+/g, '.')
  const [ours, theirs] = [refused.map(bare), causes.map(bare)]
  // A rule about the whole object is at no field.
  const isSame = (a: string, b: string) => a.startsWith(b) || b.startsWith(a) || a === '<nil>'
  t.ok(
    theirs.some((a) => ours.some((b) => isSame(a, b))),
    `${theirs} and ${ours} have a field in common`,
  )
}

function checkPatched(
  t: Test,
  { labels = {}, annotations = {}, spec = {} }: Exclude<AdmissionCase['patched'], string | undefined>,
  object: KubeObject,
): void {
  t.match(object.metadata, { labels, annotations })
  const { taints, ...rest } = spec as { taints?: object[] }
  const stored = (object as { spec?: { taints?: object[] } }).spec ?? {}
  t.match(stored, rest)
  // Kubernetes taints a new Node itself, too.
  for (const taint of taints ?? [])
    t.hasStrict(
      stored.taints?.find((each) => isMatch(each, taint)),
      taint,
    )
}

function isMatch(one: object, other: object): boolean {
  return Object.entries(other).every(([name, value]) => (one as Record<string, unknown>)[name] === value)
}

/** Objects that are stored need a name each; whatever else says the name says the new one. */
function withOwnName(each: AdmissionCase, index: number): AdmissionCase {
  const { name } = each.object.metadata
  const isStored = each.old !== undefined || each.operation === 'DELETE'
  if (!isStored || !['workers', 'workers-a1b2c3d4', 'host-1'].includes(name)) return each
  const rename = <T>(value: T): T => renamed(value, name, `${name}-${index}`) as T
  const { surroundings, namespaces } = each.around
  return {
    ...each,
    object: rename(each.object),
    old: rename(each.old),
    user: rename(each.user),
    refused: rename(each.refused),
    warnings: rename(each.warnings),
    around: {
      namespaces,
      surroundings: {
        nodeGroups: () => rename(surroundings.nodeGroups()),
        vpsieNodes: () => rename(surroundings.vpsieNodes()),
        autoscalerConfig: surroundings.autoscalerConfig,
        configMap: surroundings.configMap,
      },
    },
  }
}

function renamed(value: unknown, from: string, to: string): unknown {
  if (value === from) return to
  if (typeof value === 'string')
    return value.replaceAll(`"${from}"`, `"${to}"`).replaceAll(`system:node:${from}`, `system:node:${to}`)
  if (Array.isArray(value)) return value.map((item) => renamed(item, from, to))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, renamed(item, from, to)]))
}
