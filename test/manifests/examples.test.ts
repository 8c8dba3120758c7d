import t from 'tap'
import { checkStructure } from '../../common/api/check.ts'
import { kinds } from '../../common/api/crd.ts'
import { apiVersion, defaultNamespace, labels } from '../../common/api/names.ts'
import { brokenRules } from '../fixtures/cel.ts'
import { manifestFile, manifestFolder } from '../fixtures/manifests.ts'
import { unknownFields } from '../fixtures/unknown-fields.ts'

for (const { file, ...object } of manifestFolder('examples').filter((one) => one.apiVersion === apiVersion)) {
  t.test(`${file}: ${object.kind} ${object.metadata.name} is without a mistake`, async (t) => {
    const kind = kinds.find(({ resource }) => resource.kind === object.kind)
    t.ok(kind, 'a kind of ours')
    if (!kind) return
    t.same(checkStructure(kind.schema, object), [])
    t.same(unknownFields(kind.schema, object), [])
    t.same(brokenRules(kind.schema, object), [])
    if (object.kind !== 'NodeGroup') return
    t.equal(object.metadata.namespace, defaultNamespace)
    t.equal(object.metadata.labels?.[labels.managed], 'true', 'without it nothing happens')
  })
}

t.test('the example of the credentials holds none', async (t) => {
  const [secret] = manifestFile('examples/vpsie-secret.yaml')
  t.same(secret?.stringData, { clientId: '', clientSecret: '' })
})

t.test('every pod of the example state has its owner and its node there', async (t) => {
  const state = manifestFile('examples/state.yaml')
  const uids = new Set(state.map(({ metadata }) => metadata.uid))
  const nodes = new Set(state.filter(({ kind }) => kind === 'Node').map(({ metadata }) => metadata.name))
  const pods = state.filter(({ kind }) => kind === 'Pod')
  t.equal(pods.length, 12)
  t.equal(new Set(state.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).size, state.length)
  for (const { metadata, spec } of pods) {
    for (const owner of metadata.ownerReferences ?? []) t.ok(uids.has(owner.uid), metadata.name)
    const { nodeName } = spec as { nodeName?: string }
    if (nodeName) t.ok(nodes.has(nodeName), metadata.name)
  }
})
