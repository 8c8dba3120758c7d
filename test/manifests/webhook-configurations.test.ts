import t from 'tap'
import { labels } from '../../common/api/names.ts'
import { evaluate } from '../fixtures/cel.ts'
import { type Manifest, manifestFile } from '../fixtures/manifests.ts'
import { nodeGroup } from '../fixtures/objects.ts'

interface Webhook {
  name: string
  failurePolicy: string
  timeoutSeconds: number
  sideEffects: string
  admissionReviewVersions: string[]
  clientConfig: { service: { path: string; name: string; port: number }; caBundle?: string }
  rules: { operations: string[]; resources: string[]; apiVersions: string[] }[]
  matchConditions: { name: string; expression: string }[]
  namespaceSelector?: unknown
  objectSelector?: unknown
}

const configurations = manifestFile('base/webhook-configurations.yaml')
const webhooks = configurations.flatMap(({ webhooks }) => webhooks as Webhook[])
const at = (path: string) => webhooks.find(({ clientConfig }) => clientConfig.service.path === path)

t.test('the paths are those the webhook serves, with the policy each can afford', async (t) => {
  const policies = webhooks.map(({ clientConfig, failurePolicy }) => [
    clientConfig.service.path,
    failurePolicy,
  ])
  t.same(policies, [
    ['/validate/nodegroups', 'Fail'],
    ['/validate/vpsienodes', 'Fail'],
    ['/validate/autoscalerconfigs', 'Fail'],
    ['/mutate/nodegroups', 'Ignore'],
    ['/mutate/nodes', 'Ignore'],
  ])
  t.same(
    configurations.map(({ metadata }: Manifest) => metadata.name),
    ['vpsie-autoscaler-webhook', 'vpsie-autoscaler-webhook'],
  )
})

for (const { name, ...webhook } of webhooks) {
  t.test(`${name} is quick, pure, and asked about whole objects only`, async (t) => {
    t.equal(webhook.sideEffects, 'None')
    t.same(webhook.admissionReviewVersions, ['v1'])
    t.ok(webhook.timeoutSeconds <= 3)
    t.match(webhook.clientConfig.service, { name: 'vpsie-autoscaler-webhook', port: 443 })
    for (const { resources, operations } of webhook.rules) {
      t.notMatch(resources.join(), /[*/]/)
      t.notMatch(operations.join(), /DELETE|\*/)
    }
  })

  t.test(`${name} can be applied again without losing the caBundle, and nobody opts out`, async (t) => {
    t.notOk('caBundle' in webhook.clientConfig)
    t.notOk(webhook.namespaceSelector ?? webhook.objectSelector)
  })
}

/** Whether the API server would ask the webhook about a request. */
function asks(
  path: string,
  user: string,
  request: { operation: string; object: object; oldObject?: object },
) {
  const groups = user.startsWith('system:node:') ? ['system:nodes'] : ['system:authenticated']
  const { operation, object, oldObject = null } = request
  const variables = { request: { operation, userInfo: { username: user, groups } }, object, oldObject }
  return at(path)?.matchConditions.every(({ expression }) => evaluate(expression, variables) === true)
}

const group = nodeGroup()
const grown = nodeGroup('workers', { spec: { maxNodes: 20 } })
const leaving = nodeGroup('workers', {
  metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
  spec: { maxNodes: 20 },
})
const account = (name: string) => `system:serviceaccount:kube-system:${name}`
const update = (object: object) => ({ operation: 'UPDATE', object, oldObject: group })

const cases: [title: string, asked: boolean, user: string, request: Parameters<typeof asks>[2]][] = [
  ['a person creates one', true, 'jane', { operation: 'CREATE', object: group }],
  ['a person changes the spec', true, 'jane', update(grown)],
  [
    'a person changes an annotation only',
    false,
    'jane',
    update(nodeGroup('workers', { metadata: { annotations: {} } })),
  ],
  ['our controller changes it', false, account('vpsie-autoscaler-controller'), update(grown)],
  ['the garbage collector changes it', false, account('generic-garbage-collector'), update(grown)],
  ['it is on its way out', false, 'jane', update(leaving)],
  ['another service account changes it', true, account('default'), update(grown)],
]

for (const path of [
  '/validate/nodegroups',
  '/validate/vpsienodes',
  '/validate/autoscalerconfigs',
  '/mutate/nodegroups',
]) {
  for (const [title, asked, user, request] of cases) {
    t.test(`${path} is ${asked ? 'asked' : 'left out'} when ${title}`, async (t) => {
      t.equal(asks(path, user, request), asked)
    })
  }
}

t.test(
  '/validate/vpsienodes is asked when a claim changes hands by its label alone, and no other path is',
  async (t) => {
    const labelled = (name: string) =>
      nodeGroup('workers', { metadata: { labels: { [labels.nodeGroup]: name } } })
    const change = { operation: 'UPDATE', object: labelled('mine'), oldObject: labelled('yours') }
    t.equal(asks('/validate/vpsienodes', 'jane', change), true)
    t.equal(asks('/validate/vpsienodes', account('vpsie-autoscaler-controller'), change), false)
    t.equal(asks('/validate/nodegroups', 'jane', change), false)
  },
)

t.test('/mutate/nodes is asked when a kubelet registers its node, and by nobody else', async (t) => {
  const object = { metadata: { name: 'node-1' } }
  t.equal(asks('/mutate/nodes', 'system:node:node-1', { operation: 'CREATE', object }), true)
  t.equal(asks('/mutate/nodes', 'jane', { operation: 'CREATE', object }), false)
  t.same(at('/mutate/nodes')?.rules[0]?.operations, ['CREATE'])
})
