import t from 'tap'
import { activeSettings, inactiveFields, isAdopted } from '../../../common/api/adoption.ts'
import { annotations } from '../../../common/api/names.ts'
import type { NodeGroup } from '../../../common/api/nodegroup.ts'
import { manifestFile } from '../../fixtures/manifests.ts'
import { nodeGroup } from '../../fixtures/objects.ts'

// True because test/common/api/crd.test.ts checks the example against the schema.
const old = manifestFile('examples/nodegroup-v0.7.yaml')[0] as unknown as NodeGroup

const adopted = (group: NodeGroup): NodeGroup => ({
  ...group,
  metadata: { ...group.metadata, annotations: { [annotations.adoptSettings]: 'true' } },
})

t.test('a NodeGroup of the predecessor keeps the fields inactive that had no effect then', async (t) => {
  t.notOk(isAdopted(old))
  t.same(inactiveFields(old), [
    'spec.scaleUpPolicy',
    'spec.costOptimization',
    'spec.multiRegion',
    'spec.tags',
    'spec.notes',
    'spec.allowMixedInstances',
    'spec.scaleDownPolicy.cpuThreshold',
    'spec.scaleDownPolicy.memoryThreshold',
  ])
  const { spec } = activeSettings(old)
  t.notOk(spec.scaleUpPolicy ?? spec.costOptimization ?? spec.multiRegion ?? spec.tags)
  t.equal(spec.allowMixedInstances, false)
})

t.test('what had an effect then goes on having it', async (t) => {
  t.match(activeSettings(old).spec, {
    minNodes: 2,
    maxNodes: 10,
    offeringIDs: ['standard-4-8', 'standard-8-16'],
    preferredInstanceType: 'standard-4-8',
    kubeSizeID: 2,
    scaleDownPolicy: { enabled: true, stabilizationWindowSeconds: 600, cooldownSeconds: 600 },
  })
})

t.test('once annotated, every field is active', async (t) => {
  t.same(inactiveFields(adopted(old)), [])
  t.same(activeSettings(adopted(old)).spec, old.spec)
})

t.test('the default of allowMixedInstances alone is no wish', async (t) => {
  const group = { ...old, spec: { ...nodeGroup().spec, allowMixedInstances: true } }
  t.same(inactiveFields(group), [])
})

t.test('activeSettings() leaves the object it was given as it is', async (t) => {
  const before = structuredClone(old)
  activeSettings(old)
  t.same(old, before)
})
