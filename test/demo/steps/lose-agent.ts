import { labels } from '../../../common/api/names.ts'
import { systemClock } from '../../../common/clock.ts'
import { resources } from '../../../common/kube/resources.ts'
import { expect, until } from '../../fixtures/wait.ts'
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
import type { World } from '../world.ts'

// The story's NodeGroup lets an unneeded node go after 4 s.
const twiceTheWindowMs = 8_000

export const loseAgent: Step<World> = {
  name: 'An agent dies: its node is unknown, and is not removed',
  asked: 'kill -9 of the agent of a node that then loses all its work; later kubectl delete of its VPSieNode',
  async run(world, tell, signal) {
    const before = new Set(workers(world).map(({ metadata }) => metadata.name))
    await scale(world, 'batch', 6)
    await allRun(world, { web: 4, batch: 6 })
    await settled(world)
    const fresh = workers(world)
      .map(({ metadata }) => metadata.name)
      .filter((name) => !before.has(name))
    const agent = await until(
      'the new node has an agent',
      () => world.programs.list('agent').find(({ pod }) => fresh.includes(pod.spec.nodeName ?? '')),
      {},
      signal,
    )
    const node = agent.pod.spec.nodeName ?? ''
    const { leader, others } = await leaderOf(world)
    const usage = () => metric(leader, 'node_utilization_cpu_percent', { node })
    await until(`usage of ${node} is known`, async () => (await usage()) !== undefined, {}, signal)
    await world.programs.kill(agent)
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
    await systemClock.sleep(twiceTheWindowMs, signal)
    expect(
      workers(world).some(({ metadata, spec }) => metadata.name === node && !spec?.taints?.length),
      `${node} is still there and untouched`,
    )
    tell(`${node} is kept, though it is idle for twice its window: ${reason}`)

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
