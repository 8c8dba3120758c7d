import t from 'tap'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../common/kube/objects.ts'
import { kustomize } from '../../manifests/kustomize.ts'
import { openFloor } from './floor.ts'
import { kubectl, kubectlOutput } from './kubectl.ts'

const floor = await openFloor((line) => t.comment(line), new AbortController().signal)
t.teardown(() => floor.stop())
const manifests = new URL('../../manifests/', import.meta.url).pathname

const keyOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`

for (const folder of ['base', 'crds']) {
  t.test(`${folder}: our kustomize gives what kubectl's does`, async (t) => {
    const real = parseAllDocuments(await kubectlOutput(floor, ['kustomize', `${manifests}${folder}`])).map(
      (document) => document.toJS() as KubeObject,
    )
    const ours = new Map(kustomize(folder).map((object) => [keyOf(object), object]))
    t.same([...ours.keys()].sort(), real.map(keyOf).sort())
    for (const object of real) t.same(ours.get(keyOf(object)), object, keyOf(object))
  })
}

t.test('every object of the base is one that the API server takes without a warning', async (t) => {
  await kubectlOutput(floor, ['apply', '-k', `${manifests}crds`])
  const { code, stderr } = await kubectl(floor, ['apply', '--dry-run=server', '-k', `${manifests}base`])
  t.equal(code, 0, stderr)
  t.equal(stderr, '')
})

t.test('the agents satisfy the restricted Pod Security level', async (t) => {
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'strict', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  }
  await kubectlOutput(floor, ['apply', '-f', '-'], { stdin: JSON.stringify(namespace) })
  const workloads = kustomize('base').filter(({ kind = '' }) =>
    ['DaemonSet', 'Deployment', 'Job'].includes(kind),
  )
  for (const { kind, metadata, ...rest } of workloads) {
    const { template } = (rest as unknown as { spec: { template: { metadata: object; spec: object } } }).spec
    const { priorityClassName: _, ...spec } = template.spec as Record<string, unknown>
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...template.metadata, name: `${kind}-${metadata.name}`.toLowerCase(), namespace: 'strict' },
      spec: { ...spec, serviceAccountName: 'default' },
    }
    const { code, stderr } = await kubectl(floor, ['create', '--dry-run=server', '-f', '-'], {
      stdin: JSON.stringify(pod),
    })
    t.equal(code, 0, `${pod.metadata.name} ${stderr}`)
  }
})
