import t from 'tap'
import type { NodeGroupSpec } from '../../../common/api/nodegroup.ts'
import type { ConfigMap } from '../../../common/kube/objects.ts'
import { validateNodeGroup } from '../../../webhook/nodegroup/review.ts'
import { nodeGroup } from '../../fixtures/objects.ts'

const good =
  '#cloud-config\nhostname: "{{ hostname }}"\nruncmd: [["join", "{{ server }}", "{{ bootstrapToken }}"]]\n'
const variables = { server: 'https://10.0.0.10:6443' }

function review(spec: Partial<NodeGroupSpec>, configMap: ConfigMap | null | 'unknown' = null) {
  const object = nodeGroup('edge', { spec: { provisioner: 'vm', osImageID: 'ubuntu-24.04', ...spec } })
  const surroundings = {
    nodeGroups: () => [],
    vpsieNodes: () => [],
    autoscalerConfig: () => null,
    configMap: () => (configMap === 'unknown' ? undefined : configMap),
  }
  const user = { username: 'jane', groups: [], uid: '' }
  const request = { uid: '1', operation: 'CREATE', object, oldObject: undefined, user } as never
  return validateNodeGroup({ surroundings, namespaces: ['kube-system'] }, request)
}

const map = (data: Record<string, string>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'edge', namespace: 'kube-system' },
  data,
})

t.test('a NodeGroup of plain VPS with a sound template is allowed without a warning', async (t) => {
  t.match(review({ cloudInit: { template: good, variables }, sshKeyIDs: ['k'] }), {
    violations: [],
    warnings: [],
  })
})

t.test(
  'a template is rendered at admission, and its mistake named by field and without its text',
  async (t) => {
    const { violations } = review({ cloudInit: { template: good } })
    t.match(violations, [
      { field: 'spec.cloudInit.template', message: /uses variable "server", which is neither/ },
    ])
    t.notOk(JSON.stringify(violations).includes('runcmd'))
  },
)

t.test('a variable of the autoscaler cannot be set', async (t) => {
  const cloudInit = { template: good, variables: { ...variables, bootstrapToken: 'x' } }
  t.match(review({ cloudInit }).violations, [{ field: 'spec.cloudInit.variables[bootstrapToken]' }])
})

t.test('a plain VPS needs an image', async (t) => {
  const { violations } = review({ cloudInit: { template: good, variables }, osImageID: '' })
  t.match(violations, [{ field: 'spec.osImageID' }])
})

t.test('managed workers take no cloud-init', async (t) => {
  const { violations } = review({ provisioner: 'managed', cloudInit: { template: good, variables } })
  t.match(violations, [{ field: 'spec.cloudInit', code: 'FieldValueForbidden' }])
})

t.test('a template in a ConfigMap is rendered, too', async (t) => {
  const cloudInit = { configMapRef: { name: 'edge', key: 'user-data' }, variables }
  t.match(review({ cloudInit }, map({ 'user-data': good })), { violations: [], warnings: [] })
  t.match(review({ cloudInit }, map({ 'user-data': 'no' })).violations, [
    { field: 'spec.cloudInit.configMapRef', message: /must begin with a line "#cloud-config"/ },
  ])
})

t.test('a ConfigMap that is not there, or not known yet, is a warning', async (t) => {
  const cloudInit = { configMapRef: { name: 'edge', key: 'user-data' }, variables }
  t.match(review({ cloudInit }, null).warnings, [
    /ConfigMap kube-system\/edge of spec.cloudInit does not exist; no machine is ordered/,
  ])
  t.match(review({ cloudInit }, map({ other: '' })).warnings, [
    /key user-data in the ConfigMap of spec.cloudInit does not exist/,
  ])
  t.match(review({ cloudInit }, 'unknown').warnings, [/ConfigMaps are not known yet/])
})
