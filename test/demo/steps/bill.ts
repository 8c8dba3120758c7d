import { identitiesOf, identitiesOfClaim } from '../../../common/api/ownership.ts'
import { expect } from '../../fixtures/wait.ts'
import { claims, liveMachines, machines } from '../look.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

export interface Bill {
  created: number
  removed: number
  /** Machines that run and that no claim owns. */
  unowned: number
}

export function billOf(world: World): Bill {
  const owned = new Set(claims(world).flatMap(identitiesOfClaim))
  const unowned = liveMachines(world).filter(
    ({ identifier, id, hostname }) =>
      !identitiesOf({ uuid: identifier, numericID: id, hostname }).some((each) => owned.has(each)),
  )
  const created = machines(world).length
  return { created, removed: created - liveMachines(world).length, unowned: unowned.length }
}

export const bill: Step<World> = {
  name: 'The bill',
  asked: 'machines created and removed, and those that nobody owns',
  async run(world, tell) {
    const { created, removed, unowned } = billOf(world)
    const monthly = liveMachines(world).reduce((sum, { size }) => sum + size.monthlyPrice, 0)
    for (const { hostname, size } of liveMachines(world))
      tell(`${hostname.toLowerCase()}: ${size.name}, ${size.monthlyPrice} a month`)
    expect(unowned === 0, `no machine is without an owner: ${unowned}`)
    expect(world.vpsie.cloud.reduceCalls === 0, 'VPSie never chose a victim')
    return `${created} machines created, ${removed} removed, ${unowned} without an owner; ${monthly} a month from now on`
  },
}
