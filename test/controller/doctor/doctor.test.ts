import { readFile } from 'node:fs/promises'
import t from 'tap'
import { kinds } from '../../../common/api/crd.ts'
import { group } from '../../../common/api/names.ts'
import { systemClock as clock, toMicroTime } from '../../../common/clock.ts'
import { TerminalError } from '../../../common/errors.ts'
import type { KubeObject } from '../../../common/kube/objects.ts'
import { type Resource, resources } from '../../../common/kube/resources.ts'
import { parseOptions } from '../../../common/options.ts'
import { type DoctorDeps, examine, findingsText } from '../../../controller/doctor/doctor.ts'
import { controllerOptions } from '../../../controller/options.ts'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { storeClient, storeOfOurs } from '../../fixtures/kube-client.ts'
import { captureLog } from '../../fixtures/log.ts'
import { nodeGroup } from '../../fixtures/objects.ts'

const { signal } = new AbortController()
const certificates = await makeCertificates(['localhost'])
t.teardown(() => certificates.remove())
const pem = (await readFile(certificates.certFile)).toString('base64')
const inSystem = { namespace: 'kube-system' }

/** A sound installation, and a doctor who looks at it. */
function installation() {
  const store = storeOfOurs()
  const put = <T extends KubeObject>(resource: Resource<T>, object: object) =>
    store.create(resource, {
      apiVersion: resource.apiVersion,
      kind: resource.kind,
      ...object,
    } as unknown as T)
  for (const { resource } of kinds)
    put(resources.customResourceDefinitions, {
      metadata: { name: `${resource.plural}.${group}` },
      status: { conditions: [{ type: 'Established', status: 'True' }] },
    })
  const webhooks = [{ name: `nodegroups.${group}`, clientConfig: { caBundle: 'QQ==' } }]
  for (const resource of [resources.validatingWebhookConfigurations, resources.mutatingWebhookConfigurations])
    put(resource, { metadata: { name: 'vpsie-autoscaler-webhook' }, webhooks })
  for (const leaf of ['webhook', 'ingest'])
    put(resources.secrets, {
      metadata: { ...inSystem, name: `vpsie-autoscaler-${leaf}-tls` },
      data: { 'tls.crt': pem },
    })
  put(resources.pods, {
    metadata: { ...inSystem, name: 'controller-a', labels: { 'app.kubernetes.io/component': 'controller' } },
    spec: { containers: [] },
  })
  put(resources.leases, {
    metadata: { ...inSystem, name: 'vpsie-autoscaler-leader' },
    spec: { holderIdentity: 'controller-a_1', leaseDurationSeconds: 15, renewTime: toMicroTime(clock.now()) },
  })
  put(resources.daemonSets, {
    metadata: { ...inSystem, name: 'vpsie-autoscaler-agent' },
    status: { desiredNumberScheduled: 2, numberReady: 2 },
  })
  store.create(resources.nodeGroups, nodeGroup())
  const offer = {
    id: 1,
    name: 'small',
    cpu: 2,
    memoryMB: 4096,
    diskGB: 50,
    monthlyPrice: 10,
    datacenterID: 'dc-1',
  }
  const account = {
    denied: '',
    clusters: ['cluster-1'],
    offers: [offer],
    isRefused: false,
    clockOffsetMs: 400,
  }
  const client: DoctorDeps['client'] = {
    ...storeClient(store),
    post: async <T>(_: string, body: unknown) => {
      const { verb, resource } = (
        body as { spec: { resourceAttributes: { verb: string; resource: string } } }
      ).spec.resourceAttributes
      return { status: { allowed: `${verb} ${resource}` !== account.denied } } as T
    },
  }
  const provider: DoctorDeps['provider'] = {
    async listClusters() {
      if (account.isRefused)
        throw new TerminalError('VPSie refuses the credentials', { code: 'Unauthorized' })
      return account.clusters.map((identifier) => ({ identifier })) as never
    },
    listOffers: async () => account.offers,
    get clockOffsetMs() {
      return account.clockOffsetMs
    },
  }
  const options = parseOptions(controllerOptions, [])
  const run = () => examine({ client, provider, clock, log: captureLog().log, options }, signal)
  return { store, account, put, run }
}

t.test('a sound installation has no finding that needs anything', async (t) => {
  const findings = await installation().run()
  t.same(
    findings.filter(({ state }) => state !== 'ok'),
    [],
  )
  t.ok(findings.length >= 12)
  t.match(findingsText(findings), /^ok {7}NodeGroup kube-system\/workers: it buys small for 10 a month$/m)
})

type Installation = ReturnType<typeof installation>
const damages: { title: string; damage: (of: Installation) => void; says: RegExp; advice: RegExp }[] = [
  {
    title: 'a kind is not there',
    damage: ({ store }) => store.delete(resources.customResourceDefinitions, { name: `nodegroups.${group}` }),
    says: /^FAILED {3}definition nodegroups.*does not exist$/m,
    advice: /kubectl apply -k manifests\/crds/,
  },
  {
    title: 'the controller lacks a right',
    damage: ({ account }) => {
      account.denied = 'create tokenreviews'
    },
    says: /the controller may not: create tokenreviews$/m,
    advice: /apply the manifests again/,
  },
  {
    title: 'VPSie refuses the credentials',
    damage: ({ account }) => {
      account.isRefused = true
    },
    says: /^FAILED {3}VPSie: VPSie refuses the credentials$/m,
    advice: /Secret kube-system\/vpsie-secret/,
  },
  {
    title: 'the clock of VPSie is a few minutes off',
    damage: ({ account }) => {
      account.clockOffsetMs = 180_000
    },
    says: /^WARNING {2}clock: the clock of VPSie is 180 s ahead of this one$/m,
    advice: /NTP/,
  },
  {
    title: 'the clock here is so far ahead that machines are not found',
    damage: ({ account }) => {
      account.clockOffsetMs = -3_600_000
    },
    says: /^FAILED {3}clock: the clock of VPSie is 3600 s behind this one$/m,
    advice: /NTP/,
  },
  {
    title: 'a NodeGroup names a cluster that the account does not have',
    damage: ({ account }) => {
      account.clusters = ['another']
    },
    says: /the account has no cluster "cluster-1"$/m,
    advice: /correct spec.resourceIdentifier/,
  },
  {
    title: 'VPSie sells no size of a NodeGroup',
    damage: ({ account }) => {
      account.offers = []
    },
    says: /VPSie sells none of its sizes in datacenter "dc-1": small$/m,
    advice: /correct spec.offeringIDs/,
  },
  {
    title: 'nobody leads',
    damage: ({ store }) => store.delete(resources.leases, { ...inSystem, name: 'vpsie-autoscaler-leader' }),
    says: /^FAILED {3}leader: no controller leads$/m,
    advice: /get pods/,
  },
  {
    title: 'an older autoscaler leads',
    damage: ({ store }) => store.delete(resources.pods, { ...inSystem, name: 'controller-a' }),
    says: /"controller-a_1" holds the lease and is no pod of this autoscaler$/m,
    advice: /scale it to 0/,
  },
  {
    title: 'a webhook configuration of an older autoscaler is left',
    damage: ({ put }) =>
      put(resources.validatingWebhookConfigurations, {
        metadata: { name: 'old' },
        webhooks: [{ name: `node-deletion.${group}`, clientConfig: {} }],
      }),
    says: /^FAILED {3}ValidatingWebhookConfiguration: old is left of an older autoscaler$/m,
    advice: /kubectl delete validatingwebhookconfiguration old/,
  },
  {
    title: 'our own webhook configuration was merged into one of an older autoscaler',
    damage: ({ store }) =>
      store.patch(
        resources.validatingWebhookConfigurations,
        { name: 'vpsie-autoscaler-webhook' },
        {
          webhooks: [
            {
              name: `node-deletion.${group}`,
              clientConfig: { caBundle: 'QQ==', service: { path: '/validate/node-deletion' } },
            },
          ],
        },
      ),
    says: /still has a webhook of an older autoscaler, which nobody answers, so no Node can be deleted$/m,
    advice: /kubectl delete validatingwebhookconfiguration vpsie-autoscaler-webhook, then apply/,
  },
  {
    title: 'there is no certificate',
    damage: ({ store }) =>
      store.delete(resources.secrets, { ...inSystem, name: 'vpsie-autoscaler-ingest-tls' }),
    says: /^FAILED {3}certificate vpsie-autoscaler-ingest-tls: there is none$/m,
    advice: /CronJob vpsie-autoscaler-certs/,
  },
  {
    title: 'agents are missing',
    damage: ({ store, put }) => {
      store.delete(resources.daemonSets, { ...inSystem, name: 'vpsie-autoscaler-agent' })
      put(resources.daemonSets, {
        metadata: { ...inSystem, name: 'vpsie-autoscaler-agent' },
        status: { desiredNumberScheduled: 3, numberReady: 1 },
      })
    },
    says: /^WARNING {2}agents: 1 of 3 are ready; nodes without one are kept$/m,
    advice: /component=agent/,
  },
]

for (const { title, damage, says, advice } of damages) {
  t.test(`is told, with what to do, when ${title}`, async (t) => {
    const of = installation()
    damage(of)
    const text = findingsText(await of.run())
    t.match(text, says)
    t.match(text, advice)
  })
}
