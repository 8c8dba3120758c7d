import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../common/kube/objects.ts'
import { pathOf } from '../../common/kube/resources.ts'
import { apiOf } from '../contract/api.ts'
import { resourceOf } from '../fixtures/apply.ts'
import { openRealFloor } from '../floors/real.ts'
import { kubectlOutput } from './kubectl.ts'

type Stored = KubeObject & { spec: object; status: object }

const floor = await openRealFloor((line) => t.comment(line), new AbortController().signal)
t.teardown(() => floor.stop())
const api = apiOf(floor)
const here = new URL('predecessor/', import.meta.url).pathname
const crds = new URL('../../manifests/crds', import.meta.url).pathname
const text = await readFile(`${here}objects.yaml`, 'utf8')
const objects = parseAllDocuments(text).map((document) => document.toJS() as Stored)
const pathFor = (object: KubeObject) =>
  pathOf(resourceOf(object), object.metadata.namespace, object.metadata.name)

const before = new Map<string, Stored>()
await kubectlOutput(floor, ['apply', '-f', `${here}crds.yaml`])
await kubectlOutput(floor, ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
for (const { status, ...object } of objects) {
  await kubectlOutput(floor, ['create', '-f', '-'], { stdin: JSON.stringify(object) })
  const { body } = await api.patch(`${pathFor(object)}/status`, { status })
  before.set(pathFor(object), body)
}
await kubectlOutput(floor, ['apply', '-k', crds])

t.test('our definitions replace the old ones in place', async (t) => {
  const names = await kubectlOutput(floor, ['get', 'crd', '-o', 'jsonpath={.items[*].metadata.name}'])
  t.same(names.split(' ').sort(), [
    'autoscalerconfigs.autoscaler.vpsie.com',
    'nodegroups.autoscaler.vpsie.com',
    'vpsienodes.autoscaler.vpsie.com',
  ])
})

for (const object of objects) {
  t.test(`${object.kind} ${object.metadata.name} has lost nothing, and can be written`, async (t) => {
    const path = pathFor(object)
    const { spec, status, metadata } = before.get(path) ?? object
    const { body } = await api.get(path)
    t.equal(body.metadata.uid, metadata.uid)
    t.match(body.spec, spec)
    t.match(body.status, status)
    t.match(object.status, JSON.parse(JSON.stringify(object.status)))
    const labelled = await api.patch(path, { metadata: { labels: { upgraded: 'yes' } } })
    t.equal(labelled.status, 200, labelled.body.message)
    t.match(labelled.body.spec, spec, 'a write keeps every field')
    const told = await api.patch(`${path}/status`, { status: { observedGeneration: 2 } })
    t.equal(told.status, 200, told.body.message)
    t.match(told.body.status, { ...status, observedGeneration: 2 })
  })
}
