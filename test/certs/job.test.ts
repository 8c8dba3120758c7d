import t from 'tap'
import { decode, encode } from '../../certs/authority.ts'
import { isSignedBy, parseBundle } from '../../certs/bundle.ts'
import { issueAuthority } from '../../certs/issue.ts'
import { leafSecrets } from '../../certs/names.ts'
import type { CustomResourceDefinition, WebhookConfiguration } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import type { ClientCall } from '../fixtures/kube-client.ts'
import type { Store } from '../simulators/kubernetes/store.ts'
import { bundles, cluster, damage, isTrusted, namespace, run, served } from './job.ts'

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
