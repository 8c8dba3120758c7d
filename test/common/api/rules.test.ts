import t from 'tap'
import { nodeGroupSchema } from '../../../common/api/nodegroup.ts'
import { brokenRules } from '../../fixtures/cel.ts'
import { manifestFile } from '../../fixtures/manifests.ts'
import { nodeGroup } from '../../fixtures/objects.ts'

const group = (spec: object, name?: string) => nodeGroup(name, { spec: spec as never })
const regions = (multiRegion: object) => ({ multiRegion: { enabled: true, ...multiRegion } })
const cloudInit = { template: '#cloud-config' }

const cases: [title: string, spec: object, broken: string[]][] = [
  ['minNodes equal to maxNodes', { minNodes: 3, maxNodes: 3 }, []],
  ['minNodes above maxNodes', { minNodes: 4, maxNodes: 3 }, ['minNodes must not be greater than maxNodes']],
  ['a preferred size of the list', { offeringIDs: ['a', 'b'], preferredInstanceType: 'b' }, []],
  ['an empty preferred size', { preferredInstanceType: '' }, []],
  [
    'a preferred size that is not listed',
    { preferredInstanceType: 'c' },
    ['preferredInstanceType must be one of offeringIDs'],
  ],
  ['a size listed twice', { offeringIDs: ['a', 'b', 'a'] }, ['each must be listed once']],
  ['cloudInit without provisioner', { cloudInit }, ['cloudInit is for provisioner vm only']],
  [
    'cloudInit in managed mode',
    { provisioner: 'managed', cloudInit },
    ['cloudInit is for provisioner vm only'],
  ],
  ['cloudInit in vm mode', { provisioner: 'vm', cloudInit }, []],
  [
    'vm mode without cloudInit',
    { provisioner: 'vm' },
    ['provisioner vm needs cloudInit: nothing else makes the machine join the cluster'],
  ],
  [
    'both a template and a reference to one',
    { provisioner: 'vm', cloudInit: { ...cloudInit, configMapRef: { name: 'a', key: 'b' } } },
    ['exactly one of template and configMapRef must be given'],
  ],
  [
    'neither a template nor a reference to one',
    { provisioner: 'vm', cloudInit: {} },
    ['exactly one of template and configMapRef must be given'],
  ],
  ['headroom in pods', { headroom: { pods: 2, requests: { cpu: '1' } } }, []],
  ['headroom in percent', { headroom: { percent: 10 } }, []],
  [
    'headroom of both kinds',
    { headroom: { percent: 10, pods: 2 } },
    ['give either percent or both pods and requests'],
  ],
  [
    'headroom of pods without size',
    { headroom: { pods: 2 } },
    ['give either percent or both pods and requests'],
  ],
  [
    'spot machines',
    { spotConfig: { enabled: true } },
    ['VPSie sells no spot machines: enabled must be false'],
  ],
  ['spot machines turned off', { spotConfig: { enabled: false, maxSpotPercentage: 80 } }, []],
  [
    'several regions without naming them',
    regions({}),
    ['datacenterIDs must name at least one datacenter when multiRegion is enabled'],
  ],
  ['several regions turned off, without naming them', { multiRegion: { enabled: false } }, []],
  [
    'shares that make a whole',
    regions({
      datacenterIDs: ['a', 'b'],
      distributionStrategy: 'weighted',
      weightedDistribution: { a: 70, b: 30 },
    }),
    [],
  ],
  [
    'shares that do not',
    regions({ datacenterIDs: ['a'], distributionStrategy: 'weighted', weightedDistribution: { a: 70 } }),
    ['the shares of weightedDistribution must add up to 100 with distributionStrategy weighted'],
  ],
  [
    'a primary that is not among the regions',
    regions({ datacenterIDs: ['a'], distributionStrategy: 'primary-backup', primaryDatacenter: 'b' }),
    ['primaryDatacenter must be one of datacenterIDs with distributionStrategy primary-backup'],
  ],
]

for (const [title, spec, broken] of cases) {
  t.test(`${broken.length > 0 ? 'refused' : 'accepted'}: ${title}`, async (t) => {
    t.same(brokenRules(nodeGroupSchema, group(spec)), broken)
  })
}

t.test('a name of 54 characters is accepted, one of 55 refused', async (t) => {
  t.same(brokenRules(nodeGroupSchema, group({}, 'a'.repeat(54))), [])
  t.match(brokenRules(nodeGroupSchema, group({}, 'a'.repeat(55))), [/at most 54 characters/])
})

t.test('an old mistake that an update does not touch never blocks it', async (t) => {
  const old = group({ minNodes: 4, maxNodes: 3, preferredInstanceType: 'gone' }, 'a'.repeat(60))
  t.same(brokenRules(nodeGroupSchema, { ...old, spec: { ...old.spec, dryRun: true } }, old), [])
})

t.test('an old mistake that an update touches is refused', async (t) => {
  const old = group({ minNodes: 4, maxNodes: 3 })
  t.same(brokenRules(nodeGroupSchema, group({ minNodes: 5, maxNodes: 3 }), old), [
    'minNodes must not be greater than maxNodes',
  ])
})

t.test('the examples break no rule', async (t) => {
  for (const name of ['nodegroup', 'nodegroup-vm', 'nodegroup-v0.7']) {
    const [example] = manifestFile(`examples/${name}.yaml`)
    t.same(brokenRules(nodeGroupSchema, example), [], name)
  }
})
