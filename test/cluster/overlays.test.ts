import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { certsOptions, hostsOf } from '../../certs/options.ts'
import type { KubeObject } from '../../common/kube/objects.ts'
import { parseOptions } from '../../common/options.ts'
import { openFloor } from './floor.ts'
import { kubectl, kubectlOutput } from './kubectl.ts'

type Rendered = KubeObject & {
  spec: Record<string, never> & { replicas?: number; secretName?: string; dnsNames?: string[] }
}

const floor = await openFloor((line) => t.comment(line), new AbortController().signal)
t.teardown(() => floor.stop())
const manifests = new URL('../../manifests/', import.meta.url).pathname
await kubectlOutput(floor, ['apply', '-k', `${manifests}crds`])

async function render(overlay: string): Promise<Rendered[]> {
  const text = await kubectlOutput(floor, ['kustomize', `${manifests}overlays/${overlay}`])
  return parseAllDocuments(text).map((document) => document.toJS() as Rendered)
}

for (const [overlay, replicas] of [
  ['ha', 3],
  ['dev', 1],
] as const) {
  t.test(`${overlay}: the API server takes all of it, and it has ${replicas} of each`, async (t) => {
    const { code, stderr } = await kubectl(floor, [
      'apply',
      '--dry-run=server',
      '-k',
      `${manifests}overlays/${overlay}`,
    ])
    t.equal(code, 0, stderr)
    t.equal(stderr, '')
    const deployments = (await render(overlay)).filter(({ kind }) => kind === 'Deployment')
    t.same(
      deployments.map(({ spec }) => spec.replicas),
      [replicas, replicas],
    )
  })
}

t.test(
  'cert-manager: it signs for the very hosts that the job holds the pairs to, and the job signs nothing',
  async (t) => {
    const objects = await render('cert-manager')
    const hosts = hostsOf(parseOptions(certsOptions, []))
    for (const [secretName, names] of [
      ['vpsie-autoscaler-webhook-tls', hosts.webhook],
      ['vpsie-autoscaler-ingest-tls', hosts.ingest],
    ] as const) {
      const certificate = objects.find(
        ({ kind, spec }) => kind === 'Certificate' && spec.secretName === secretName,
      )
      t.same(certificate?.spec.dnsNames, names)
      t.notOk(objects.some(({ kind, metadata }) => kind === 'Secret' && metadata.name === secretName))
    }
    const job = JSON.stringify(objects.find(({ kind }) => kind === 'CronJob'))
    t.match(job, /"rotate","--issuer=external"/)
    t.notOk(objects.some(({ kind }) => kind === 'Job'))
    const known = objects.filter(({ apiVersion = '' }) => !apiVersion.startsWith('cert-manager.io/'))
    const list = { apiVersion: 'v1', kind: 'List', items: known }
    const { code, stderr } = await kubectl(floor, ['apply', '--dry-run=server', '-f', '-'], {
      stdin: JSON.stringify(list),
    })
    t.equal(code, 0, stderr)
  },
)
