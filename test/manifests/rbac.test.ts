import t from 'tap'
import { manifestFolder } from '../fixtures/manifests.ts'

interface PolicyRule {
  apiGroups: string[]
  resources: string[]
  resourceNames?: string[]
  verbs: string[]
}

const base = manifestFolder('base')
const roles = base.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
const rulesOf = (name: string, kind?: string) =>
  roles
    .filter((role) => role.metadata.name === `vpsie-autoscaler-${name}` && (!kind || role.kind === kind))
    .flatMap((role) => role.rules as PolicyRule[])

const everyRule = roles.flatMap((role) => role.rules as PolicyRule[])

/** Verbs a program has on `group/resource`, on all objects or on those of `names`. */
function verbs(program: string, resource: string): string[] {
  const [, group = '', plural = ''] = /^([^/]*)\/(.+)$/.exec(resource) ?? []
  return rulesOf(program)
    .filter((rule) => rule.apiGroups.includes(group) && rule.resources.includes(plural))
    .flatMap((rule) =>
      rule.verbs.map((verb) => (rule.resourceNames ? `${verb} ${rule.resourceNames}` : verb)),
    )
    .sort()
}

t.test('no rule has a wildcard, or a verb that hands out rights', async (t) => {
  t.ok(everyRule.length > 10)
  for (const rule of everyRule) {
    const words = [...rule.apiGroups, ...rule.resources, ...rule.verbs]
    t.notOk(
      words.some((word) => word.includes('*')),
      JSON.stringify(rule),
    )
    t.notOk(words.some((word) => ['escalate', 'bind', 'impersonate', 'deletecollection'].includes(word)))
  }
})

t.test('Secrets are named one by one, and nobody lists those of others', async (t) => {
  for (const rule of everyRule.filter(({ resources }) => resources.includes('secrets'))) {
    t.ok(
      rule.resourceNames?.every((name) => /^vpsie-(secret|autoscaler-)/.test(name)),
      JSON.stringify(rule),
    )
    t.notOk(rule.verbs.includes('create'))
  }
})

const specification: [program: string, resource: string, verbs: string[]][] = [
  ['controller', '/nodes', ['delete', 'get', 'list', 'patch', 'watch']],
  ['controller', '/pods', ['get', 'list', 'watch']],
  ['controller', '/pods/eviction', ['create']],
  ['controller', '/events', ['create', 'patch']],
  ['controller', '/secrets', ['get vpsie-secret', 'list vpsie-secret', 'watch vpsie-secret']],
  ['controller', 'authentication.k8s.io/tokenreviews', ['create']],
  ['controller', 'autoscaler.vpsie.com/nodegroups', ['get', 'list', 'patch', 'watch']],
  ['controller', 'autoscaler.vpsie.com/nodegroups/status', ['patch']],
  ['controller', 'autoscaler.vpsie.com/vpsienodes', ['create', 'delete', 'get', 'list', 'patch', 'watch']],
  ['controller', 'autoscaler.vpsie.com/vpsienodes/status', ['patch']],
  ['controller', 'autoscaler.vpsie.com/autoscalerconfigs', ['get', 'list', 'watch']],
  [
    'controller',
    'coordination.k8s.io/leases',
    [
      'create',
      'get vpsie-autoscaler-leader',
      'patch vpsie-autoscaler-leader',
      'update vpsie-autoscaler-leader',
    ],
  ],
  ['webhook', 'autoscaler.vpsie.com/nodegroups', ['get', 'list', 'watch']],
  ['webhook', '/nodes', []],
  ['webhook', '/configmaps', ['get', 'list', 'watch']],
  ['webhook', '/secrets', []],
  [
    'certs',
    'admissionregistration.k8s.io/mutatingwebhookconfigurations',
    ['get vpsie-autoscaler-webhook', 'patch vpsie-autoscaler-webhook'],
  ],
  [
    'certs',
    'admissionregistration.k8s.io/validatingwebhookconfigurations',
    ['get vpsie-autoscaler-webhook', 'patch vpsie-autoscaler-webhook'],
  ],
  ['certs', '/events', ['create', 'patch']],
  [
    'certs',
    'apiextensions.k8s.io/customresourcedefinitions',
    [
      'get nodegroups.autoscaler.vpsie.com,vpsienodes.autoscaler.vpsie.com,autoscalerconfigs.autoscaler.vpsie.com',
      'patch nodegroups.autoscaler.vpsie.com,vpsienodes.autoscaler.vpsie.com,autoscalerconfigs.autoscaler.vpsie.com',
    ],
  ],
  ['certs', '/configmaps', ['get vpsie-autoscaler-trust', 'patch vpsie-autoscaler-trust']],
]

for (const [program, resource, expected] of specification) {
  t.test(`${program} may do to ${resource}: ${expected.join(', ') || 'nothing'}`, async (t) => {
    t.same(verbs(program, resource), expected)
  })
}

t.test(
  'the component for vm mode lets the controller make and revoke bootstrap tokens, and read none',
  async (t) => {
    const [role, binding] = manifestFolder('vm-mode')
    t.same(role?.rules, [{ apiGroups: [''], resources: ['secrets'], verbs: ['create', 'delete'] }])
    t.same(role?.metadata.namespace, 'kube-system')
    t.match(binding, { subjects: [{ name: 'vpsie-autoscaler-controller', namespace: 'kube-system' }] })
  },
)

t.test('the webhook changes nothing', async (t) => {
  t.same([...new Set(rulesOf('webhook').flatMap((rule) => rule.verbs))].sort(), ['get', 'list', 'watch'])
})

t.test('the agent has no rights at all', async (t) => t.same(rulesOf('agent'), []))

t.test(
  'every role is bound to the ServiceAccount of its name, and every ServiceAccount exists',
  async (t) => {
    const bindings = base.filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding')
    const accounts = base.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata.name)
    // That of people who ask is bound to whom the cluster's owner names.
    const own = roles.filter(({ metadata }) => metadata.name !== 'vpsie-autoscaler-viewer')
    t.equal(bindings.length, own.length)
    for (const { kind, metadata, roleRef, subjects } of bindings) {
      t.match(roleRef, { kind: kind.replace('Binding', ''), name: metadata.name })
      t.same(subjects, [{ kind: 'ServiceAccount', name: metadata.name, namespace: 'kube-system' }])
      t.ok(accounts.includes(metadata.name))
      t.ok(rulesOf(metadata.name.replace('vpsie-autoscaler-', ''), kind.replace('Binding', '')).length > 0)
    }
  },
)
