import t from 'tap'
import { autoscalerConfigSchema } from '../../../common/api/autoscalerconfig.ts'
import { checkStructure } from '../../../common/api/check.ts'
import { nodeGroupSchema, nodeGroupSpec } from '../../../common/api/nodegroup.ts'
import { violationText } from '../../../common/api/violation.ts'
import { vpsieNodeSchema } from '../../../common/api/vpsienode.ts'
import { autoscalerConfig, nodeGroup, vpsieNode } from '../../fixtures/objects.ts'

const group = (spec: object) => nodeGroup('workers', { spec: spec as never })
const texts = (spec: object) => checkStructure(nodeGroupSchema, group(spec)).map(violationText)

t.test('the builders of the tests make objects without a mistake', async (t) => {
  t.same(checkStructure(nodeGroupSchema, nodeGroup()), [])
  t.same(checkStructure(vpsieNodeSchema, vpsieNode()), [])
  t.same(checkStructure(autoscalerConfigSchema, autoscalerConfig()), [])
})

const cases: [title: string, spec: object, expected: string][] = [
  [
    'a number below its minimum',
    { minNodes: -1 },
    'spec.minNodes: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    'a number above its maximum',
    { maxNodes: 10_001 },
    'spec.maxNodes: Invalid value: 10001: must be less than or equal to 10000',
  ],
  ['a wrong type', { maxNodes: '3' }, 'spec.maxNodes: Invalid value: "3": must be of type integer'],
  [
    'a fraction where a count belongs',
    { maxNodes: 1.5 },
    'spec.maxNodes: Invalid value: 1.5: must be of type integer',
  ],
  ['null', { labels: null }, 'spec.labels: Invalid value: null: must be of type object'],
  [
    'a word that is not in the list',
    { provisioner: 'cloud' },
    'spec.provisioner: Unsupported value: "cloud": supported values: "managed", "vm"',
  ],
  [
    'a number where a word of a list belongs',
    { provisioner: 1 },
    'spec.provisioner: Invalid value: 1: must be of type string',
  ],
  ['an empty list of sizes', { offeringIDs: [] }, 'spec.offeringIDs: Invalid value: must not be empty'],
  [
    'a text of the wrong form',
    { datacenterID: 'dc 1' },
    'spec.datacenterID: Invalid value: "dc 1": must be letters, digits, "-" and "_"',
  ],
  [
    "a map's value, by its key",
    { labels: { 'example.com/a': 1 } },
    'spec.labels[example.com/a]: Invalid value: 1: must be of type string',
  ],
  [
    "a map's value under a key with a line break",
    { labels: { 'a\nb': 1 } },
    'spec.labels[a\nb]: Invalid value: 1: must be of type string',
  ],
  [
    'a text that is too long, without the text',
    { notes: 'x'.repeat(1025) },
    'spec.notes: Too long: may not be more than 1024 characters',
  ],
  [
    'a list that is too long, by its count',
    { tags: Array(33).fill('t') },
    'spec.tags: Too many: 33: must have at most 32 items',
  ],
  ["a field missing in a list's item", { taints: [{ key: 'a' }] }, 'spec.taints[0].effect: Required value'],
  [
    'an item given twice where each may be there once',
    { drain: { blockOn: ['KubeSystem', 'LocalStorage', 'KubeSystem'] } },
    'spec.drain.blockOn[2]: Duplicate value: "KubeSystem": must be listed once',
  ],
  [
    'a quantity below nothing',
    { headroom: { pods: 1, requests: { cpu: -1, memory: '1.5Gi' } } },
    'spec.headroom.requests[cpu]: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    'neither a count nor a share',
    { disruption: { maxUnavailable: true } },
    'spec.disruption.maxUnavailable: Invalid value: true: must be of type integer or string',
  ],
]

for (const [title, spec, expected] of cases) {
  t.test(`checkStructure() tells of ${title}`, async (t) => t.same(texts(spec), [expected]))
}

t.test('checkStructure() tells every mistake at once, more than the library alone would', async (t) => {
  const labels = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`l${i}`, i]))
  t.equal(checkStructure(nodeGroupSchema, group({ labels, minNodes: -1 })).length, 41)
})

t.test('checkStructure() takes false and 0 as values', async (t) => {
  const spec = { minNodes: 0, dryRun: false, scaleDownPolicy: { enabled: false, cooldownSeconds: 0 } }
  t.same(texts(spec), [])
})

t.test('checkStructure() names every missing field by its own path and code', async (t) => {
  const found = checkStructure(nodeGroupSpec, {}, 'spec')
  t.ok(found.every(({ code }) => code === 'FieldValueRequired'))
  t.match(
    found.map(({ field }) => field),
    ['spec.minNodes', 'spec.maxNodes', 'spec.datacenterID'],
  )
})

t.test('checkStructure() never repeats what may be secret', async (t) => {
  const secret = 'token-4711'
  const mistakes = [
    { cloudInit: { template: [secret], variables: { TOKEN: { secret } } } },
    { cloudInit: { variables: { TOKEN: secret.repeat(200) }, template: { secret } } },
  ].flatMap((spec) => checkStructure(nodeGroupSchema, group(spec)))
  t.equal(mistakes.length, 4)
  t.notMatch(JSON.stringify(mistakes), secret)
})

for (const value of [undefined, null, 5, 'text', []]) {
  t.test(`checkStructure() of ${JSON.stringify(value)} is one mistake, no exception`, async (t) => {
    t.match(checkStructure(nodeGroupSchema, value), [{ field: '', code: 'FieldValueTypeInvalid' }])
  })
}
