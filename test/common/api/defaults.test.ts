import fc from 'fast-check'
import t from 'tap'
import { effectiveNodeGroup } from '../../../common/api/defaults.ts'
import { autoscalerConfig, nodeGroup } from '../../fixtures/objects.ts'

t.test('an empty NodeGroup gets every built-in default', async (t) => {
  const { spec } = effectiveNodeGroup(nodeGroup())
  t.match(spec, {
    provisioner: 'managed',
    priority: 0,
    dryRun: false,
    allowMixedInstances: true,
    scaleUpPolicy: { enabled: true, stabilizationWindowSeconds: 0 },
    scaleDownPolicy: {
      enabled: true,
      stabilizationWindowSeconds: 600,
      cooldownSeconds: 600,
      cpuThreshold: 50,
    },
    drain: {
      timeoutSeconds: 900,
      maxPodGracePeriodSeconds: 600,
      blockOn: ['Unreplicated', 'LocalStorage', 'KubeSystem'],
      minReplicas: 0,
    },
    disruption: { maxUnavailable: '10%', minNodeAgeSeconds: 600, windows: [] },
  })
})

t.test('what acts only where it is written is not made up', async (t) => {
  const { spec } = effectiveNodeGroup(nodeGroup())
  for (const name of [
    'costOptimization',
    'multiRegion',
    'headroom',
    'cloudInit',
    'maxMonthlyCost',
  ] as const) {
    t.notOk(name in spec, name)
  }
})

t.test("a preset beats the built-in default, the NodeGroup's own value beats both", async (t) => {
  const config = autoscalerConfig({
    nodeGroupDefaults: { scaleDownPolicy: { cpuThreshold: 30, cooldownSeconds: 5 } },
  })
  const group = nodeGroup('workers', { spec: { scaleDownPolicy: { cooldownSeconds: 7 } } })
  t.match(effectiveNodeGroup(group, config).spec.scaleDownPolicy, {
    cpuThreshold: 30,
    cooldownSeconds: 7,
    memoryThreshold: 50,
  })
})

t.test('false and 0 are values, not gaps', async (t) => {
  const config = autoscalerConfig({
    nodeGroupDefaults: { minNodes: 3, scaleDownPolicy: { enabled: true, cooldownSeconds: 60 } },
  })
  const group = nodeGroup('workers', { spec: { scaleDownPolicy: { enabled: false, cooldownSeconds: 0 } } })
  t.match(effectiveNodeGroup(group, config).spec, {
    minNodes: 0,
    scaleDownPolicy: { enabled: false, cooldownSeconds: 0 },
  })
})

t.test('a list or map is one field: a preset never adds to it', async (t) => {
  const config = autoscalerConfig({ nodeGroupDefaults: { labels: { a: '1' }, offeringIDs: ['x'] } })
  const { spec } = effectiveNodeGroup(nodeGroup('workers', { spec: { labels: { b: '2' } } }), config)
  t.same([spec.labels, spec.offeringIDs], [{ b: '2' }, ['small']])
})

t.test('filling twice changes nothing, and never the object it was given', async (t) => {
  const policy = fc.record(
    { enabled: fc.boolean(), cooldownSeconds: fc.nat(3600), cpuThreshold: fc.nat(100) },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(policy, policy, (own, preset) => {
      const group = nodeGroup('workers', { spec: { scaleDownPolicy: own } })
      const before = structuredClone(group)
      const config = autoscalerConfig({ nodeGroupDefaults: { scaleDownPolicy: preset } })
      const once = effectiveNodeGroup(group, config)
      t.same(group, before)
      t.same(effectiveNodeGroup(once, config), once)
    }),
    { numRuns: 50 },
  )
})
