import t from 'tap'
import { encode } from '../../certs/authority.ts'
import { issueAuthority, issueLeaf } from '../../certs/issue.ts'
import { leafSecrets } from '../../certs/names.ts'
import type { Secret, WebhookConfiguration } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import type { Store } from '../simulators/kubernetes/store.ts'
import { bundles, cluster, damage, day, isTrusted, namespace, run } from './job.ts'

const hosts = ['webhook', 'controller'].map((name) =>
  ['.kube-system.svc', '.kube-system', '', '.kube-system.svc.cluster.local'].map(
    (end) => `vpsie-autoscaler-${name}${end}`,
  ),
)

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
