import { apply } from '../../fixtures/apply.ts'
import { allRun, claims, deployment, leaderOf, liveMachines, machines, metric, settled } from '../look.ts'
import type { Step } from '../story.ts'
import { expect, until } from '../wait.ts'
import type { World } from '../world.ts'

export const vpsieFails: Step<World> = {
  name: 'VPSie answers 500 and time-outs during a scale-up',
  asked: 'two pods of 6 cores each, while VPSie fails: ten answers of 500, then two that never come',
  async run(world, tell, signal) {
    const { leader } = await leaderOf(world)
    const before = machines(world).length
    const opened = (await metric(leader, 'vpsie_api_circuit_breaker_opened_total')) ?? 0
    const failing = world.vpsie.faults.next(
      'any',
      { kind: 'status', status: 500, message: 'internal error' },
      10,
    )
    const hanging = world.vpsie.faults.next('any', { kind: 'hang' }, 2)
    await apply(world.client, [deployment('heavy', 2, '6', '2Gi')], signal)
    await until(
      'the breaker opens',
      async () => ((await metric(leader, 'vpsie_api_circuit_breaker_opened_total')) ?? 0) > opened,
      {},
      signal,
    )
    tell('the breaker is open: VPSie is left alone for a while and then asked with care')
    await allRun(world, { web: 4, heavy: 2 }, 40_000)
    await settled(world)
    hanging.release()
    const made = machines(world).length - before
    expect(
      failing.hits === 10 && hanging.hits === 2,
      `VPSie failed as told: ${failing.hits} and ${hanging.hits} times`,
    )
    expect(liveMachines(world).length === claims(world).length, 'every machine has its claim')
    expect(made === 2, `exactly two machines were made: ${made}`)
    const state = await metric(leader, 'vpsie_api_circuit_breaker_state', { state: 'closed' })
    expect(state === 1, 'the breaker is closed again')
    return `after ${failing.hits} errors and ${hanging.hits} time-outs exactly ${made} machines were made, none twice; the breaker is closed again`
  },
}
