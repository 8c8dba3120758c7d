import t, { type Test } from 'tap'
import { parse } from 'yaml'
import type { NodeGroupSpec } from '../../../common/api/nodegroup.ts'
import { TerminalError, TransientError } from '../../../common/errors.ts'
import type { Secret } from '../../../common/kube/objects.ts'
import { resources } from '../../../common/kube/resources.ts'
import type { Machine, VMOrder } from '../../../controller/vpsie/provider.ts'
import type { StoreClientOptions } from '../../fixtures/kube-client.ts'
import { machinePass } from '../../fixtures/machine-pass.ts'
import { boundPod, node, nodeGroup } from '../../fixtures/objects.ts'

const template =
  '#cloud-config\nhostname: {{ hostname }}\nruncmd: [[join, "{{ server }}", "{{ bootstrapToken }}"]]\n'

/** A NodeGroup of plain VPS with one claim; `order` is what an order does at VPSie. */
function vmPass(
  t: Test,
  order: (vms: Machine[], order: VMOrder) => void,
  spec: Partial<NodeGroupSpec> = {},
  before: NonNullable<StoreClientOptions['before']> = () => undefined,
) {
  const vms: Machine[] = []
  const orders: VMOrder[] = []
  const deleted: unknown[] = []
  const group = nodeGroup('workers', {
    spec: {
      provisioner: 'vm',
      osImageID: 'ubuntu-24.04',
      sshKeyIDs: ['key-1'],
      cloudInit: { template, variables: { server: 'https://10.0.0.10:6443' } },
      ...spec,
    },
  })
  const pass = machinePass(t, {
    nodeGroup: group,
    before,
    deps: (deps) => ({
      ...deps,
      offers: {
        ...deps.offers,
        resolve: (entry, datacenterID) => {
          const offer = deps.offers.resolve(entry, datacenterID)
          return offer && { ...offer, identifier: 'plan-small' }
        },
      },
      provider: {
        ...deps.provider,
        listVMs: async () => [...vms],
        async createVM(wanted) {
          orders.push(wanted)
          order(vms, wanted)
          return {}
        },
        async deleteVM(machine) {
          deleted.push(machine)
          const at = vms.findIndex(({ uuid }) => uuid === machine.uuid)
          if (at >= 0) vms.splice(at, 1)
        },
      },
    }),
  })
  const tokens = (): Secret[] => pass.store.list(resources.secrets)
  return { ...pass, vms, orders, deleted, tokens }
}

const vm = (uuid: string, hostname: string): Machine => ({
  uuid,
  identity: uuid,
  hostname,
  role: 'worker',
  addresses: ['203.0.113.7'],
  sizeID: 11,
})
const make =
  (uuid: string) =>
  (vms: Machine[], { hostname }: VMOrder) =>
    void vms.push(vm(uuid, hostname))

t.test(
  'a plain VPS is ordered under the name of its claim, with its own token in the user data',
  async (t) => {
    const { passes, orders, claim, tokens, calls } = vmPass(t, make('vm-1'))
    await passes(3)
    t.equal(orders.length, 1)
    t.match(orders[0], {
      hostname: 'workers-1',
      sizeIdentifier: 'plan-small',
      osImageID: 'ubuntu-24.04',
      sshKeyIDs: ['key-1'],
    })
    const [secret] = tokens()
    const text = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()
    t.equal(secret?.type, 'bootstrap.kubernetes.io/token')
    t.equal(secret?.metadata.name, `bootstrap-token-${text('token-id')}`)
    t.match(text('token-id'), /^[a-z0-9]{6}$/)
    t.match(text('token-secret'), /^[a-z0-9]{16}$/)
    t.equal(text('expiration'), '2026-02-01T00:25:00Z')
    t.strictSame(parse(orders[0]?.userData ?? '').runcmd, [
      ['join', 'https://10.0.0.10:6443', `${text('token-id')}.${text('token-secret')}`],
    ])
    t.match(claim(), { spec: { vpsieNodeIdentifier: 'vm-1' }, status: { phase: 'Provisioned' } })
    t.equal(calls.orders, 0, 'no worker of a cluster was ordered')
  },
)

t.test('the token is revoked as soon as the Node is ready', async (t) => {
  const { passes, tokens, store, claim } = vmPass(t, make('vm-1'))
  await passes(2)
  t.equal(tokens().length, 1)
  store.create(resources.nodes, node('workers-1', { spec: {} }))
  await passes(2)
  t.equal(claim()?.status?.phase, 'Ready')
  t.equal(tokens().length, 0)
})

t.test('the token is revoked when VPSie refuses, and when the claim ends', async (t) => {
  const refused = vmPass(t, () => {
    throw new TerminalError('exceeds the allowed limit 5', { code: 'Quota' })
  })
  await refused.passes(3)
  t.equal(refused.tokens().length, 0)
  const ended = vmPass(t, make('vm-1'))
  await ended.passes(2)
  ended.store.delete(resources.vpsieNodes, ended.key)
  await ended.passes(4)
  t.equal(ended.claim(), undefined)
  t.equal(ended.tokens().length, 0)
  t.match(ended.deleted[0], { uuid: 'vm-1' })
})

t.test('a template without a token makes none', async (t) => {
  const { passes, tokens, orders } = vmPass(t, make('vm-1'), {
    cloudInit: { template: '#cloud-config\na: 1\n' },
  })
  await passes(1)
  t.equal(orders.length, 1)
  t.equal(tokens().length, 0)
})

t.test('the template may be kept in a ConfigMap; without it nothing is ordered', async (t) => {
  const cloudInit = { configMapRef: { name: 'edge', key: 'user-data' } }
  const { passes, orders, store, claim } = vmPass(t, make('vm-1'), { cloudInit })
  const data = { 'user-data': '#cloud-config\nhostname: {{ hostname }}\n' }
  const metadata = { name: 'edge', namespace: 'kube-system' }
  store.create(resources.configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
  await passes(1)
  t.equal(orders[0]?.userData, '#cloud-config\nhostname: workers-1\n')
  t.ok(claim())
})

t.test('a machine with another host name is never taken', async (t) => {
  const { passes, vms, claim } = vmPass(t, () => {
    throw new TransientError('no reply', { code: 'Timeout' })
  })
  await passes(1)
  vms.push(vm('by-hand', 'mail-server'))
  await passes(3)
  t.equal(claim()?.spec.vpsieNodeIdentifier, undefined)
})

t.test('a second machine of a lost order is known by its name and deleted', async (t) => {
  const { passes, vms, claim, deleted, events } = vmPass(t, make('vm-1'))
  await passes(2)
  vms.push(vm('vm-2', 'Workers-1'))
  await passes(1)
  t.match(deleted, [{ uuid: 'vm-2' }])
  t.equal(claim()?.spec.vpsieNodeIdentifier, 'vm-1')
  t.ok(events.includes('DuplicateMachine'))
})

t.test('a template that has become unsound fails the claim with the field, and makes no token', async (t) => {
  const { passes, orders, tokens, store } = vmPass(t, make('vm-1'), { cloudInit: { template } })
  await passes(1)
  t.equal(orders.length, 0)
  t.equal(tokens().length, 0)
  const [backoff] =
    store.get(resources.nodeGroups, { namespace: 'kube-system', name: 'workers' }).status?.backoffs ?? []
  t.match(backoff?.reason, /spec.cloudInit.template: uses variable "server"/)
})

t.test('of two machines the one that the Node is of is kept', async (t) => {
  const { passes, vms, claim, deleted, store } = vmPass(t, make('vm-1'))
  await passes(2)
  vms.push({ ...vm('vm-2', 'workers-1'), addresses: ['203.0.113.8'] })
  const spec = { providerID: 'vpsie://dc-1/project-1/vm-2' }
  store.create(resources.nodes, node('workers-1', { spec }))
  await passes(3)
  t.equal(claim()?.spec.vpsieNodeIdentifier, 'vm-2')
  t.match(deleted[0], { uuid: 'vm-1' })
  t.strictSame(
    vms.map(({ uuid }) => uuid),
    ['vm-2'],
  )
})

t.test('a second machine that runs pods, too, is emptied before it is deleted', async (t) => {
  const { passes, vms, claim, deleted, store } = vmPass(t, make('vm-1'))
  await passes(2)
  store.create('namespaces', { metadata: { name: 'default' } })
  store.create(resources.nodes, node('workers-1', { spec: { providerID: 'vpsie://dc-1/project-1/vm-1' } }))
  vms.push({ ...vm('vm-2', 'workers-1'), addresses: ['203.0.113.8'] })
  const addresses = [{ type: 'InternalIP', address: '203.0.113.8' }]
  store.create(resources.nodes, node('renamed', { spec: { providerID: '' }, status: { addresses } }))
  store.create(resources.pods, boundPod('app', 'renamed'))
  await passes(1)
  const pod = { namespace: 'default', name: 'app' }
  t.ok(store.get(resources.pods, pod).metadata.deletionTimestamp, 'its pod is evicted')
  t.strictSame(deleted, [], 'and has not left yet')
  store.delete(resources.pods, pod, { gracePeriodSeconds: 0 })
  await passes(2)
  t.match(deleted, [{ uuid: 'vm-2' }])
  t.equal(claim()?.spec.vpsieNodeIdentifier, 'vm-1')
})

t.test('without the rights for tokens nothing is ordered, and an event says what is missing', async (t) => {
  const { passes, orders, claim, events } = vmPass(t, make('vm-1'), {}, ({ verb, plural }) => {
    if (verb === 'delete' && plural === 'secrets')
      throw new TerminalError('secrets is forbidden', { code: 'Forbidden', status: 403 })
  })
  await passes(2)
  t.equal(orders.length, 0)
  t.ok(claim(), 'the claim waits for the rights')
  t.ok(events.includes('OrderForbidden'))
})
