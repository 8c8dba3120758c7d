import { stringify } from 'yaml'
import type { NodeGroup } from '../../../common/api/nodegroup.ts'
import { type ApiReply, apiOf } from '../../contract/api.ts'
import { expect } from '../../fixtures/wait.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

const meta = { namespace: 'kube-system', labels: { 'autoscaler.vpsie.com/managed': 'true' } }
const ids = {
  datacenterID: 'dc-1',
  resourceIdentifier: 'cluster-1',
  project: 'project-1',
  kubernetesVersion: 'v1.34.1',
}

/** Wrong in six places, none of which a schema or CEL can see. */
const bad = {
  metadata: { ...meta, name: 'bad' },
  spec: {
    ...ids,
    minNodes: 0,
    maxNodes: 3,
    offeringIDs: ['small'],
    provisioner: 'vm',
    cloudInit: { template: '#cloud-config\njoin: {{ token }}\n' },
    disruption: {
      windows: [
        { schedule: '0 25 * * *', durationSeconds: 3600, timeZone: 'Europe/Nowhere' },
        { schedule: '0 3 31 2 *', durationSeconds: 3600, timeZone: 'Berlin' },
      ],
    },
  },
}

const badFields = [
  'spec.cloudInit.template',
  'spec.disruption.windows[0].schedule',
  'spec.disruption.windows[0].timeZone',
  'spec.disruption.windows[1].schedule',
  'spec.disruption.windows[1].timeZone',
  'spec.osImageID',
]

/** As somebody wrote it for the Go autoscaler: its fields and no others. */
const old = {
  metadata: { ...meta, name: 'workers' },
  spec: {
    ...ids,
    minNodes: 0,
    maxNodes: 10,
    offeringIDs: ['small', 'medium', 'large'],
    preferredInstanceType: 'small',
    osImageID: 'ubuntu-22.04',
    labels: { 'example.com/pool': 'workers' },
    scaleUpPolicy: { enabled: true, stabilizationWindowSeconds: 0, cpuThreshold: 80, memoryThreshold: 80 },
    scaleDownPolicy: {
      enabled: true,
      stabilizationWindowSeconds: 4,
      cpuThreshold: 50,
      memoryThreshold: 50,
      cooldownSeconds: 0,
    },
    sshKeyIDs: ['key-1'],
    notes: 'general workers',
    spotConfig: { enabled: false },
  },
}

/** Creates a NodeGroup as `kubectl create` does, and gives the raw answer. */
function create({ floor }: World, object: object, namespace = 'kube-system'): Promise<ApiReply> {
  return apiOf(floor).post(`/apis/autoscaler.vpsie.com/v1alpha1/namespaces/${namespace}/nodegroups`, {
    apiVersion: 'autoscaler.vpsie.com/v1alpha1',
    kind: 'NodeGroup',
    ...object,
  })
}

export const admission: Step<World> = {
  name: "A bad NodeGroup is refused, a good one of the Go autoscaler's time is admitted",
  asked: 'kubectl create -f bad.yaml (six mistakes), then -f workers.yaml',
  async run(world, tell) {
    const refused = await create(world, bad)
    const { causes = [] } = (refused.body.details ?? {}) as { causes?: { field: string; message: string }[] }
    for (const { field, message } of causes) tell(`refused: ${field}: ${message}`)
    expect(refused.status === 422, `the bad NodeGroup is refused with 422: it got ${refused.status}`)
    const fields = causes.map(({ field }) => field)
    expect(
      fields.join() === badFields.join(),
      `all six mistakes are told, each with its field: told were ${fields.join(', ')}`,
    )

    const elsewhere = { ...old, metadata: { ...old.metadata, namespace: 'default' } }
    const astray = await create(world, elsewhere, 'default')
    expect(
      astray.status === 422,
      `one in a namespace that nobody looks at is refused: it got ${astray.status}`,
    )
    tell(`refused: ${astray.body.message}`)

    const admitted = await create(world, old)
    expect(
      admitted.status === 201,
      `the good NodeGroup is admitted: it got ${admitted.status} ${admitted.body.message}`,
    )
    for (const warning of admitted.warnings) tell(`warning: ${warning}`)
    const { spec, metadata } = admitted.body as unknown as NodeGroup
    expect(
      metadata.annotations?.['autoscaler.vpsie.com/adopt-settings'] === 'true',
      'its settings are in effect',
    )
    expect(
      spec.drain?.timeoutSeconds === 900 && spec.disruption?.maxUnavailable === '10%',
      'absent fields have their defaults',
    )
    for (const about of ['osImageID', 'sshKeyIDs', 'notes', 'cpuThreshold', 'spotConfig']) {
      expect(
        admitted.warnings.some((warning) => warning.includes(about)),
        `a warning tells that ${about} has no effect`,
      )
    }
    tell(
      `filled in: ${stringify({ drain: spec.drain, disruption: spec.disruption }, { collectionStyle: 'flow', lineWidth: 0 }).trim().replaceAll('\n', ', ')}`,
    )
    return `six mistakes at once, each with its field; then admitted and defaulted, with ${admitted.warnings.length} warnings for settings without effect`
  },
}
