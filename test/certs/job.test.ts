import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { decode, encode } from '../../certs/authority.ts'
import { isSignedBy, parseBundle } from '../../certs/bundle.ts'
import { type Command, runCommand } from '../../certs/commands.ts'
import { issueAuthority, issueLeaf } from '../../certs/issue.ts'
import { leafSecrets } from '../../certs/names.ts'
import { certsOptions } from '../../certs/options.ts'
import type { CustomResourceDefinition, Secret, WebhookConfiguration } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { parseOptions } from '../../common/options.ts'
import { type VirtualClock, virtualClock } from '../fixtures/clock.ts'
import { type ClientCall, storeClient } from '../fixtures/kube-client.ts'
import { captureLog } from '../fixtures/log.ts'
import { createStore, type Store } from '../simulators/kubernetes/store.ts'

const namespace = 'kube-system'
const minute = 60_000
const day = 24 * 60 * minute

/** A cluster with what the manifests bring for the job to write to. */
function cluster() {
  const clock = virtualClock()
  const store = createStore({ clock })
  for (const resource of [
    resources.validatingWebhookConfigurations,
    resources.mutatingWebhookConfigurations,
  ]) {
    const service = { name: 'vpsie-autoscaler-webhook', namespace, path: '/x' }
    const webhooks = ['one', 'two'].map((name) => ({ name, clientConfig: { service }, timeoutSeconds: 3 }))
    store.create<WebhookConfiguration>(resource, { metadata: { name: 'vpsie-autoscaler-webhook' }, webhooks })
  }
  store.create('configmaps', { metadata: { name: 'vpsie-autoscaler-trust', namespace } })
  return { clock, store }
}

interface RunOptions {
  before?: (call: ClientCall) => void
  events?: string[]
}

/** Runs a command to its end, however long it waits. */
async function run(
  { clock, store }: { clock: VirtualClock; store: Store },
  command: Command,
  flags: string[] = [],
  { before = () => undefined, events = [] }: RunOptions = {},
): Promise<number> {
  const deps = {
    client: storeClient(store, { before }),
    clock,
    log: captureLog().log,
    events: { record: (_: unknown, __: string, reason: string) => void events.push(reason) },
    print: () => undefined,
  }
  let isOver = false
  const options = parseOptions(certsOptions, flags)
  const running = runCommand(deps, command, options, new AbortController().signal).finally(() => {
    isOver = true
  })
  running.catch(() => undefined) // looked at below
  for (let waited = 0; !isOver && waited < 10_000; waited++) await clock.advance(minute)
  return running
}

function bundles(store: Store): X509Certificate[][] {
  const configurations = [resources.validatingWebhookConfigurations, resources.mutatingWebhookConfigurations]
  const texts = configurations.flatMap((resource) =>
    (store.get<WebhookConfiguration>(resource, { name: 'vpsie-autoscaler-webhook' }).webhooks ?? []).map(
      ({ clientConfig }) => decode(clientConfig.caBundle),
    ),
  )
  const trust = store.get<Secret>('configmaps', { namespace, name: 'vpsie-autoscaler-trust' }).data?.[
    'ca.crt'
  ]
  return [...texts, trust ?? ''].map(parseBundle)
}

function served(store: Store, name: keyof typeof leafSecrets): X509Certificate | undefined {
  const { data = {} } = store.find<Secret>('secrets', { namespace, name: leafSecrets[name] }) ?? {
    data: undefined,
  }
  return data['tls.crt'] ? new X509Certificate(decode(data['tls.crt'])) : undefined
}

/** Everybody who verifies trusts everything that is served. */
function isTrusted(store: Store): boolean {
  return (['webhook', 'ingest'] as const).every((name) => {
    const leaf = served(store, name)
    return !leaf || bundles(store).every((bundle) => bundle.some((authority) => isSignedBy(leaf, authority)))
  })
}

t.test('init makes certificates that everybody trusts, and a second time changes nothing', async (t) => {
  const world = cluster()
  t.equal(await run(world, 'init'), 0)
  t.ok(isTrusted(world.store) && served(world.store, 'webhook') && served(world.store, 'ingest'))
  const { revision } = world.store
  t.equal(await run(world, 'init'), 0)
  t.equal(world.store.revision, revision)
})

t.test('init waits for manifests that arrive later', async (t) => {
  const world = cluster()
  const name = { name: 'vpsie-autoscaler-webhook' }
  const late = world.store.get<WebhookConfiguration>(resources.mutatingWebhookConfigurations, name)
  world.store.delete(resources.mutatingWebhookConfigurations, name)
  const arrive = (call: ClientCall) => {
    if (
      call.plural === 'mutatingwebhookconfigurations' &&
      world.clock.now() > Date.parse('2026-02-01T00:00:03Z')
    )
      if (!world.store.find(resources.mutatingWebhookConfigurations, name))
        world.store.create<WebhookConfiguration>(resources.mutatingWebhookConfigurations, {
          metadata: name,
          webhooks: late.webhooks ?? [],
        })
  }
  t.equal(await run(world, 'init', [], { before: arrive }), 0)
  t.ok(isTrusted(world.store))
})

t.test('of two first runs at once one makes the authority, and both end well', async (t) => {
  const world = cluster()
  t.same(await Promise.all([run(world, 'init'), run(world, 'init')]), [0, 0])
  t.ok(isTrusted(world.store))
  t.equal(
    new Set(
      bundles(world.store)
        .flat()
        .map(({ fingerprint256 }) => fingerprint256),
    ).size,
    1,
  )
})

const wholeRotation = ['--force', '--active-deadline=48h']

t.test('a forced rotation ends with another authority, and the old one forgotten', async (t) => {
  const world = cluster()
  const events: string[] = []
  await run(world, 'init')
  const [[before] = []] = bundles(world.store)
  t.equal(await run(world, 'rotate', wholeRotation, { events }), 0)
  const [[after, ...others] = []] = bundles(world.store)
  t.not(after?.fingerprint256, before?.fingerprint256)
  t.equal(others.length, 0)
  t.ok(isTrusted(world.store))
  t.ok(events.includes('Rotation') && events.includes('CertificateIssued'))
  const { revision } = world.store
  await run(world, 'rotate')
  t.equal(world.store.revision, revision, 'nothing more is due')
})

t.test(
  'an authority that does not permit a host that is added later is replaced, with nobody distrusted',
  async (t) => {
    const world = cluster()
    await run(world, 'init')
    const [[before] = []] = bundles(world.store)
    let distrust = 0
    const watch = () => {
      if (!isTrusted(world.store)) distrust++
    }
    const flags = ['--webhook-hosts=webhook.example.com', '--active-deadline=48h']
    await run(world, 'rotate', flags, { before: watch })
    const [[after, ...others] = []] = bundles(world.store)
    t.not(after?.fingerprint256, before?.fingerprint256)
    t.equal(others.length + distrust, 0)
    t.match(served(world.store, 'webhook')?.subjectAltName, /webhook\.example\.com/)
  },
)

t.test('two rotations at once end like one', async (t) => {
  const world = cluster()
  await run(world, 'init')
  await Promise.all([run(world, 'rotate', wholeRotation), run(world, 'rotate', wholeRotation)])
  t.ok(isTrusted(world.store))
  for (const bundle of bundles(world.store)) t.equal(bundle.length, 1)
})

t.test(
  'a run killed before any of its writes is finished by the next, and at no moment is anybody distrusted',
  async (t) => {
    const isWrite = ({ verb }: ClientCall) => verb === 'patch' || verb === 'create'
    let writes = 0
    const counting = cluster()
    await run(counting, 'init')
    const countWrite = (call: ClientCall) => {
      if (isWrite(call)) writes++
    }
    await run(counting, 'rotate', wholeRotation, { before: countWrite })
    t.ok(writes >= 12, `a rotation takes ${writes} writes`)
    for (let fatal = 1; fatal <= writes; fatal++) {
      const world = cluster()
      await run(world, 'init')
      let count = 0
      let distrust = 0
      const watch = () => {
        if (!isTrusted(world.store)) distrust++
      }
      const killed = run(world, 'rotate', wholeRotation, {
        before: (call) => {
          watch()
          if (isWrite(call) && ++count === fatal) throw new Error('killed')
        },
      })
      await t.rejects(killed, /killed/)
      await run(world, 'rotate', ['--active-deadline=48h'], { before: watch })
      watch()
      t.equal(distrust, 0, `killed before write ${fatal}`)
      for (const bundle of bundles(world.store)) t.equal(bundle.length, 1)
    }
  },
)

const damages: [string, (store: Store) => void][] = [
  [
    'a serving pair that does not fit',
    (store) => damage(store, leafSecrets.webhook, { 'tls.key': encode('no key') }),
  ],
  [
    'a truncated certificate',
    (store) => damage(store, leafSecrets.ingest, { 'tls.crt': encode('-----BEGIN CERT') }),
  ],
  ['an authority without its key', (store) => damage(store, 'vpsie-autoscaler-ca', { 'active.key': null })],
  [
    'an empty authority',
    (store) => damage(store, 'vpsie-autoscaler-ca', { 'active.key': null, 'active.crt': null }),
  ],
  ['an authority of another key', swapAuthority],
  [
    'an emptied trust of the agents',
    (store) => void store.patch('configmaps', { namespace, name: 'vpsie-autoscaler-trust' }, { data: null }),
  ],
]

function damage(store: Store, name: string, data: Record<string, string | null>): void {
  store.patch('secrets', { namespace, name }, { data })
}

function swapAuthority(store: Store): void {
  const other = issueAuthority({ commonName: 'other', now: store.clock.now() })
  damage(store, 'vpsie-autoscaler-ca', { 'active.crt': encode(other.certificate) })
}

for (const [what, harm] of damages) {
  t.test(`${what} is healed`, async (t) => {
    const world = cluster()
    await run(world, 'init')
    harm(world.store)
    t.equal(await run(world, 'rotate', ['--active-deadline=48h']), 0)
    t.ok(isTrusted(world.store) && served(world.store, 'webhook') && served(world.store, 'ingest'))
    t.equal(await run(world, 'status'), 0)
  })
}

t.test('a bundle in which somebody else keeps an authority of what is served is not shortened', async (t) => {
  const world = cluster()
  const foreign = issueAuthority({ commonName: 'somebody else', now: world.clock.now() })
  serveForeign(world.store, foreign)
  publishForeign(world.store, foreign.certificate)
  await run(world, 'rotate')
  t.ok(isTrusted(world.store), 'the foreign authority stays while its certificates are served')
  await run(world, 'rotate', ['--active-deadline=48h'])
  t.ok(isTrusted(world.store))
  for (const bundle of bundles(world.store)) t.notMatch(bundle[0]?.subject, /somebody else/)
})

const hosts = ['webhook', 'controller'].map((name) =>
  ['.kube-system.svc', '.kube-system', '', '.kube-system.svc.cluster.local'].map(
    (end) => `vpsie-autoscaler-${name}${end}`,
  ),
)

function serveForeign(
  store: Store,
  authority: { certificate: string; key: string },
  over: object = {},
): void {
  for (const [i, name] of Object.values(leafSecrets).entries()) {
    const leaf = issueLeaf({ authority, commonName: 'x', hosts: hosts[i] ?? [], now: store.clock.now() })
    const data = { 'tls.crt': encode(leaf.certificate), 'tls.key': encode(leaf.key), ...over }
    if (store.find('secrets', { namespace, name })) damage(store, name, data as Record<string, string>)
    else store.create<Secret>('secrets', { metadata: { namespace, name }, data })
  }
}

function publishForeign(store: Store, certificate: string): void {
  for (const resource of [
    resources.validatingWebhookConfigurations,
    resources.mutatingWebhookConfigurations,
  ]) {
    const name = { name: 'vpsie-autoscaler-webhook' }
    const { webhooks = [] } = store.get<WebhookConfiguration>(resource, name)
    const entries = webhooks.map((entry) => ({
      ...entry,
      clientConfig: { ...entry.clientConfig, caBundle: encode(certificate) },
    }))
    store.patch(resource, name, { webhooks: entries })
  }
  store.patch(
    'configmaps',
    { namespace, name: 'vpsie-autoscaler-trust' },
    { data: { 'ca.crt': certificate } },
  )
}

t.test('with a foreign issuer its ca.crt is published and nothing is signed', async (t) => {
  const world = cluster()
  const foreign = issueAuthority({ commonName: 'cert-manager', now: world.clock.now() })
  serveForeign(world.store, foreign, { 'ca.crt': encode(foreign.certificate) })
  t.equal(await run(world, 'rotate', ['--issuer=external']), 0)
  t.ok(isTrusted(world.store))
  const { data = {} } = world.store.get<Secret>('secrets', { namespace, name: 'vpsie-autoscaler-ca' })
  t.same(data, {}, 'no authority of ours is made')
  const renewed = issueAuthority({ commonName: 'cert-manager', now: world.clock.now() })
  serveForeign(world.store, renewed, { 'ca.crt': encode(renewed.certificate) })
  t.equal(await run(world, 'rotate', ['--issuer=external']), 0)
  t.ok(isTrusted(world.store))
  for (const bundle of bundles(world.store)) t.equal(bundle.length, 1, 'what is not served any more goes')
})

const unusable: [string, (store: Store, now: number) => void][] = [
  [
    'a pair that does not fit',
    (store) => damage(store, leafSecrets.webhook, { 'tls.key': encode('no key') }),
  ],
  ['a certificate for other hosts', (store, now) => serveOther(store, now, ['example.com'])],
  ['an expired certificate', (store, now) => serveOther(store, now - 60 * day, hosts[0] ?? [])],
  [
    'a certificate that no published authority has signed',
    (store) => {
      for (const name of Object.values(leafSecrets)) damage(store, name, { 'ca.crt': null })
      publishForeign(store, '')
    },
  ],
]

function serveOther(store: Store, now: number, names: readonly string[]): void {
  const authority = issueAuthority({ commonName: 'cert-manager', now })
  const leaf = issueLeaf({ authority, commonName: 'x', hosts: names, now })
  const data = {
    'ca.crt': encode(authority.certificate),
    'tls.crt': encode(leaf.certificate),
    'tls.key': encode(leaf.key),
  }
  damage(store, leafSecrets.webhook, data)
}

for (const [what, harm] of unusable) {
  t.test(`with a foreign issuer ${what} is told, by exit code and event`, async (t) => {
    const world = cluster()
    const events: string[] = []
    const foreign = issueAuthority({ commonName: 'cert-manager', now: world.clock.now() })
    serveForeign(world.store, foreign, { 'ca.crt': encode(foreign.certificate) })
    await run(world, 'rotate', ['--issuer=external'])
    harm(world.store, world.clock.now())
    t.equal(await run(world, 'rotate', ['--issuer=external'], { events }), 1)
    t.same([...new Set(events)], ['CertificateUnusable'])
  })
}

t.test('a CRD whose versions a webhook converts gets the bundle, and keeps all else', async (t) => {
  const world = cluster()
  const clientConfig = { service: { name: 'vpsie-autoscaler-webhook', namespace, path: '/convert' } }
  const conversion = {
    strategy: 'Webhook' as const,
    webhook: { clientConfig, conversionReviewVersions: ['v1'] },
  }
  const metadata = { name: 'nodegroups.autoscaler.vpsie.com' }
  const spec = { group: 'autoscaler.vpsie.com', conversion }
  world.store.create<CustomResourceDefinition>(resources.customResourceDefinitions, { metadata, spec })
  await run(world, 'init')
  const { spec: after } = world.store.get<CustomResourceDefinition>(
    resources.customResourceDefinitions,
    metadata,
  )
  const { caBundle, ...others } = after.conversion?.webhook?.clientConfig ?? {}
  t.same(others, clientConfig)
  const leaf = served(world.store, 'webhook')
  t.ok(leaf && parseBundle(decode(caBundle)).some((authority) => isSignedBy(leaf, authority)))
})

t.test("other people's fields of a configuration stay as they are", async (t) => {
  const world = cluster()
  const name = { name: 'vpsie-autoscaler-webhook' }
  world.store.patch(resources.validatingWebhookConfigurations, name, {
    metadata: { labels: { mine: 'yes' } },
  })
  await run(world, 'init')
  await run(world, 'rotate', wholeRotation)
  const { webhooks = [], metadata } = world.store.get<WebhookConfiguration>(
    resources.validatingWebhookConfigurations,
    name,
  )
  t.same(metadata.labels, { mine: 'yes' })
  t.match(webhooks, [
    { name: 'one', timeoutSeconds: 3, clientConfig: { service: { path: '/x' } } },
    { name: 'two', timeoutSeconds: 3, clientConfig: { service: { path: '/x' } } },
  ])
})
