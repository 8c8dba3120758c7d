import { annotations } from '../../../common/api/names.ts'
import { expect, until } from '../../fixtures/wait.ts'
import { allRun, claims, leaderOf, liveMachines, machines, scale, settled } from '../look.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

export const loseLeader: Step<World> = {
  name: 'The leading controller is killed between intent and machine',
  asked:
    'a fourth heavy pod; SIGKILL to the leader once its order is written down and before VPSie has carried it out',
  async run(world, tell, signal) {
    const before = machines(world).length
    const stuck = world.vpsie.faults.next('addWorker', { kind: 'hang' })
    await scale(world, 'heavy', 4)
    await until('the order is at VPSie', () => stuck.hits === 1, {}, signal)
    const { leader, others } = await leaderOf(world)
    const ordered = claims(world).filter(
      ({ metadata }) =>
        metadata.annotations?.[annotations.requestedAt] && !metadata.annotations[annotations.addAccepted],
    )
    expect(
      ordered.length > 0 && machines(world).length === before,
      'the intent is written and there is no machine',
    )
    await world.programs.kill(leader)
    tell(
      `process ${leader.program.pid} is dead; claim ${ordered[0]?.metadata.name} says that an order was sent, and nobody knows what became of it`,
    )
    stuck.release()
    const { leader: next } = await leaderOf(world)
    expect(next === others[0], 'the one that stood by leads')
    tell(
      `process ${next.program.pid} leads, and waits until VPSie's lists have shown for long enough that nothing was made`,
    )
    await allRun(world, { web: 4, heavy: 4 }, 40_000)
    await settled(world)
    const made = machines(world).length - before
    expect(made === 1, `exactly one machine was made: ${made}`)
    expect(liveMachines(world).length === claims(world).length, 'every machine has its claim')
    return 'the standby took over and finished with exactly one machine'
  },
}
