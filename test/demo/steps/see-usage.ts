import { expect, until } from '../../fixtures/wait.ts'
import { leaderOf, metric, workers } from '../look.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

export const seeUsage: Step<World> = {
  name: 'One agent on each node tells how busy it is',
  asked: 'the agents read /proc of their node and push; one node is made to work at 80 % CPU',
  async run(world, tell, signal) {
    const { leader, others } = await leaderOf(world)
    const nodes = workers(world).map(({ metadata }) => metadata.name)
    const [busy = ''] = nodes
    world.fleet.setLoad(busy, { cpu: 0.8, memory: 0.3 })
    const usageOf = (node: string) => metric(leader, 'node_utilization_cpu_percent', { node })
    await until(`${busy} is seen at work`, async () => ((await usageOf(busy)) ?? 0) > 30, {}, signal)
    for (const node of nodes) {
      const cpu = await until(`usage of ${node} is known`, () => usageOf(node), {}, signal)
      const memory = await metric(leader, 'node_utilization_memory_percent', { node })
      tell(`${node}: CPU ${cpu.toFixed(1)} %, memory ${memory?.toFixed(1)} % on average over the window`)
    }
    const agents = world.programs.list('agent').length
    expect(agents === nodes.length + 1, `there is an agent on each of the nodes: ${agents}`)
    for (const each of [leader, ...others]) {
      await until(
        'every agent is fresh at every controller',
        async () => (await metric(each, 'agents', { freshness: 'fresh' })) === agents,
        {},
        signal,
      )
    }
    world.fleet.setLoad(busy, { cpu: 0.05, memory: 0.1 })
    return `${agents} agents report to both controllers; the one that stands by knows as much as the one that leads`
  },
}
