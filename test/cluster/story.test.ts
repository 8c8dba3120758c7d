import t from 'tap'
import { steps } from '../demo/steps/steps.ts'
import { emptyWorld } from './world.ts'

const world = await emptyWorld(t)
let isWell = true
for (const { name, run } of steps) {
  t.test(name, async (t) => {
    if (!isWell) return t.fail('an earlier step has failed, and this one builds on it')
    isWell = false
    t.comment(await run(world, (line) => t.comment(line), world.signal))
    isWell = true
    t.pass()
  })
}
