import { annotations, labels } from '../../../common/api/names.ts'
import type { NodeGroup } from '../../../common/api/nodegroup.ts'
import { resources } from '../../../common/kube/resources.ts'
import { isReady } from '../../../controller/decide/members.ts'
import { apply } from '../../fixtures/apply.ts'
import { expect, until } from '../../fixtures/wait.ts'
import { allRun, claims, deployment, podsOf, settled, workers } from '../look.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

const name = { namespace: 'kube-system', name: 'reports' }

/** A group of its own, so far with one size, which is far too large for what comes. */
const group = {
  apiVersion: 'autoscaler.vpsie.com/v1alpha1',
  kind: 'NodeGroup',
  metadata: { ...name, labels: { [labels.managed]: 'true' } },
  spec: {
    datacenterID: 'dc-1',
    resourceIdentifier: 'cluster-1',
    project: 'project-1',
    kubernetesVersion: 'v1.34.1',
    minNodes: 1,
    maxNodes: 2,
    offeringIDs: ['large'],
    allowMixedInstances: true,
    disruption: { maxUnavailable: '100%', minNodeAgeSeconds: 0 },
    scaleDownPolicy: { stabilizationWindowSeconds: 4, cooldownSeconds: 0 },
  },
} as NodeGroup

export const replace: Step<World> = {
  name: 'A node that is too dear for its one pod is replaced by a cheaper one',
  asked: 'NodeGroup reports may now buy small as well as large, and has costOptimization',
  async run(world, tell, signal) {
    const { client } = world
    const app = deployment('reports', 1, '1200m', '1Gi') as ReturnType<typeof deployment> & {
      spec: { template: { spec: object } }
    }
    Object.assign(app.spec.template.spec, { nodeSelector: { [labels.nodeGroup]: name.name } })
    await client.create(resources.nodeGroups, group, signal)
    await apply(client, [app], signal)
    await allRun(world, { reports: 1 })
    await settled(world)
    const [old] = podsOf(world, 'reports')
    const oldNode = old?.spec.nodeName ?? ''

    const order = watchOrder(world, old?.metadata.uid)
    const costOptimization = { enabled: true, minMonthlySavings: 10 }
    await client.patch(
      resources.nodeGroups,
      name,
      { spec: { offeringIDs: ['small', 'large'], costOptimization } },
      {},
      signal,
    )
    const isDone = () =>
      sizes(world).join() === 'small' && !workers(world).some(({ metadata }) => metadata.name === oldNode)
    await until('the large machine is gone', isDone, { withinMs: 40_000, seen: () => why(world) }, signal)
    await allRun(world, { reports: 1 })
    await settled(world)
    order.stop()
    const newcomer = claims(world).find(
      ({ metadata }) => metadata.annotations?.[annotations.replaces] === oldNode,
    )
    expect(newcomer !== undefined, 'the new claim says which node it replaces')
    expect(order.wasReadyFirst(), 'the new node was ready before the pod was told to leave')
    tell(`${newcomer?.metadata.name} came in place of ${oldNode}, and only then its pod moved`)
    return 'large (74 a month) gave way to small (20 a month): 54 a month saved'
  },
}

/** Sizes of the group's claims. */
function sizes(world: World): string[] {
  return claims(world)
    .filter(({ spec }) => spec.nodeGroupName === name.name)
    .map(({ spec }) => spec.instanceType)
}

function why(world: World): string {
  const { lastDecision = '', nodes = [] } =
    world.view.of(resources.nodeGroups).get(`${name.namespace}/${name.name}`)?.status ?? {}
  return [lastDecision, ...nodes.map(({ nodeName, reason }) => `${nodeName}: ${reason}`)].join('; ')
}

/** Whether two Nodes of the group were ready at the moment the pod was first seen to leave. */
function watchOrder(world: World, uid: string | undefined) {
  let wasReady: boolean | undefined
  const stop = world.view.of(resources.pods).onChange(() => {
    const pod = podsOf(world, 'reports').find(({ metadata }) => metadata.uid === uid)
    if (wasReady !== undefined || (pod && !pod.metadata.deletionTimestamp)) return
    const own = workers(world).filter(({ metadata }) => metadata.labels?.[labels.nodeGroup] === name.name)
    wasReady = own.filter(isReady).length === 2
  })
  return { stop, wasReadyFirst: () => wasReady === true }
}
