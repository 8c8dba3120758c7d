import type { Test } from 'tap'
import { systemClock as clock } from '../../common/clock.ts'
import { connect } from '../../common/kube/connect.ts'
import type { Node } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { until } from '../fixtures/wait.ts'
import { accountToken, type Floor } from '../floors/floor.ts'
import { apiOf } from './api.ts'

const signal = new AbortController().signal
const accounts = '/api/v1/namespaces/default/serviceaccounts'

/** Who may do what. */
export function userContract(t: Test, floor: Floor): void {
  const admin = apiOf(floor)
  const client = connect({ clock }, { kubeconfig: floor.adminKubeconfig })

  t.test('a service account may do what its roles say, and nothing else', async (t) => {
    const serviceAccount = 'reader'
    const head = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'reader' } }
    await admin.post(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader' } })
    const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
    const rules = [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['list'] },
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'], verbs: ['get'] },
    ]
    await admin.post(`${roles}/roles`, { ...head, kind: 'Role', rules })
    await admin.post(`${roles}/rolebindings`, {
      ...head,
      kind: 'RoleBinding',
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'default' }],
    })
    const reader = apiOf(floor, await accountToken(client, { namespace: 'default', serviceAccount }, signal))
    const status = async (path: string) => (await reader.get(`/api/v1/${path}`)).status
    await until(
      'the role counts',
      async () => (await status('namespaces/default/configmaps')) === 200,
      {},
      signal,
    )
    t.equal(await status('namespaces/kube-system/configmaps'), 403)
    t.equal(await status('namespaces/default/secrets'), 403)
    t.equal(await status('namespaces/default/secrets/another'), 403)
    t.equal(await status('namespaces/default/secrets/mine'), 404, 'allowed, and not there')
    t.match(await reader.get('/api/v1/nodes'), {
      status: 403,
      body: {
        reason: 'Forbidden',
        message: /system:serviceaccount:default:reader.*cannot list resource "nodes"/,
      },
    })
    const review = async (attributes: object) =>
      (
        await reader.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: attributes },
        })
      ).body.status.allowed
    t.equal(await review({ verb: 'list', resource: 'configmaps', namespace: 'default' }), true)
    t.equal(await review({ verb: 'delete', resource: 'configmaps', namespace: 'default' }), false)
    t.equal((await apiOf(floor, 'nonsense').get('/api/v1/nodes')).status, 401)
  })

  t.test('a kubelet may register its own node, give itself no role, and touch no other node', async (t) => {
    if (floor.kind === 'external') return t.comment("nobody here can make a kubelet's certificate for it")
    const kubeconfig = await floor.kubeconfigOf('system:node:contract-kubelet')
    const kubelet = connect({ clock }, { kubeconfig })
    const named = (name: string, labels: Record<string, string> = {}): Node => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels },
    })
    const role = { 'node-role.kubernetes.io/control-plane': '' }
    const { nodes } = resources
    const create = (node: Node) => kubelet.create(nodes, node, signal)
    await t.rejects(create(named('contract-kubelet', role)), { code: 'Forbidden' })
    await t.rejects(create(named('contract-other')), { code: 'Forbidden' })
    await create(named('contract-kubelet', { 'kubernetes.io/hostname': 'contract-kubelet' }))
    const patch = (name: string, change: object, options: object = {}) =>
      kubelet.patch(nodes, { name }, change, options, signal)
    await patch('contract-kubelet', { status: { phase: 'Running' } }, { subresource: 'status' })
    await t.rejects(patch('contract-kubelet', { metadata: { labels: role } }), { code: 'Forbidden' })
    const taints = [{ key: 'a', effect: 'NoSchedule' }]
    await t.rejects(patch('contract-kubelet', { spec: { taints } }), { code: 'Forbidden' })
    await client.create(nodes, named('contract-other'), signal)
    await t.rejects(patch('contract-other', { metadata: { labels: { a: 'b' } } }), { code: 'Forbidden' })
    await t.rejects(kubelet.list(resources.secrets, {}, signal), { code: 'Forbidden' })
    for (const name of ['contract-kubelet', 'contract-other'])
      await client.delete(nodes, { name }, {}, signal)
  })
}
