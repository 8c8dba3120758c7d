import { labels } from '../../../common/api/names.ts'
import { resources } from '../../../common/kube/resources.ts'
import {
  allRun,
  claims,
  leaderOf,
  liveMachines,
  metric,
  nodeGroup,
  scale,
  settled,
  workers,
} from '../look.ts'
import type { Step } from '../story.ts'
import { expect, until } from '../wait.ts'
import type { World } from '../world.ts'

export const loseAgent: Step<World> = {
  name: 'An agent dies: its node is unknown, and is not removed',
  asked: 'kill -9 of the agent of a node that then loses all its work; later kubectl delete of its VPSieNode',
  async run(world, tell, signal) {
    await scale(world, 'batch', 2)
    await allRun(world, { web: 4, batch: 2 })
    await settled(world)
    const victims = workers(world).map(({ metadata }) => metadata.name)
    const agent = world.programs.list('agent').find(({ pod }) => victims.includes(pod.spec.nodeName ?? ''))
    expect(agent, 'a worker has an agent')
    const node = agent.pod.spec.nodeName ?? ''
    await world.programs.kill(agent)
    const { leader, others } = await leaderOf(world)
    await until(
      'the node is unknown',
      async () => (await metric(leader, 'agents', { freshness: 'unknown' })) === 1,
      {},
      signal,
    )
    tell(`${node} is unknown to both controllers 2.5 intervals after its last report`)

    await scale(world, 'batch', 0)
    const reason = await until(
      'the node is kept because nothing is known of it',
      () => {
        const entry = nodeGroup(world).status?.nodes?.find(({ nodeName }) => nodeName === node)
        return entry?.verdict === 'keep' && entry.reason?.startsWith('UsageUnknown') && entry.reason
      },
      { seen: () => JSON.stringify(nodeGroup(world).status?.nodes) },
      signal,
    )
    tell(`${node} is kept: ${reason}`)

    const claim = claims(world).find(
      ({ metadata, status }) => status?.nodeName === node || metadata.labels?.[labels.vpsieNode] === node,
    )
    expect(claim, `${node} has a claim`)
    await world.client.delete(
      resources.vpsieNodes,
      { namespace: 'kube-system', name: claim.metadata.name },
      {},
      signal,
    )
    await until(
      'its machine and its Node are gone',
      () => !workers(world).some(({ metadata }) => metadata.name === node),
      {},
      signal,
    )
    for (const each of [leader, ...others]) {
      await until(
        'it is forgotten',
        async () => (await metric(each, 'agents', { freshness: 'unknown' })) === 0,
        {},
        signal,
      )
    }
    await allRun(world, { web: 4 })
    await settled(world)
    return `${node} was kept while nothing was known of it, drained when a person asked, and is forgotten by both controllers; ${liveMachines(world).length} machines remain`
  },
}
