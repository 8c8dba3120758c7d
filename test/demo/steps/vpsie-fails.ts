import { apply } from '../../fixtures/apply.ts'
import { expect, until } from '../../fixtures/wait.ts'
import {
  allRun,
  claims,
  deployment,
  isSeen,
  leaderOf,
  liveMachines,
  machines,
  metric,
  settled,
} from '../look.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

export const vpsieFails: Step<World> = {
  name: 'VPSie answers 500 and time-outs during a scale-up',
  asked:
    'three pods of 6 cores each, while VPSie fails: seven answers of 500, one that never comes, and an order whose answer is lost',
  async run(world, tell, signal) {
    const { leader } = await leaderOf(world)
    const before = machines(world).length
    // A large machine holds one heavy pod, beside all the rest; where none is left, each pod needs one.
    const needed = 3 - liveMachines(world).filter(({ size }) => size.name === 'large').length
    const opened = (await metric(leader, 'vpsie_api_circuit_breaker_opened_total')) ?? 0
    const failing = world.vpsie.faults.next(
      'any',
      { kind: 'status', status: 500, message: 'internal error' },
      7,
    )
    const hanging = world.vpsie.faults.next('any', { kind: 'hang' }, 1)
    const lost = world.vpsie.faults.next('addWorker', { kind: 'resetAfter' }, 1)
    await apply(world.client, [deployment('heavy', 3, '6', '2Gi')], signal)
    await until(
      'the breaker opens',
      async () => ((await metric(leader, 'vpsie_api_circuit_breaker_opened_total')) ?? 0) > opened,
      {},
      signal,
    )
    tell('the breaker is open: VPSie is left alone for a while and then asked with care')
    await allRun(world, { web: 4, heavy: 3 }, 40_000)
    await settled(world)
    hanging.release()
    const made = machines(world).length - before
    expect(failing.hits === 7 && hanging.hits === 1 && lost.hits === 1, 'VPSie failed as told')
    expect(liveMachines(world).length === claims(world).length, 'every machine has its claim')
    expect(made === needed, `exactly ${needed} machines were made: ${made}`)
    const state = await metric(leader, 'vpsie_api_circuit_breaker_state', { state: 'closed' })
    expect(state === 1, 'the breaker is closed again')
    // The leader that counted them is killed in the next step.
    for (const name of [
      'machine_orders_unresolved_total',
      'vpsie_api_circuit_breaker_half_open_successes_total',
    ])
      await isSeen(world, name, signal)
    return `after ${failing.hits} errors, a time-out and a lost answer exactly ${made} machines were made, none twice; the breaker is closed again`
  },
}
