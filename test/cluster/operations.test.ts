import t from 'tap'
import { resources } from '../../common/kube/resources.ts'
import { allRun, deployment, leaderOf, liveMachines, settled } from '../demo/look.ts'
import { apply } from '../fixtures/apply.ts'
import { until } from '../fixtures/wait.ts'
import { openGuide } from './guide.ts'
import { kubectlOutput } from './kubectl.ts'
import { runningWorld, workersGroup } from './world.ts'

const world = await runningWorld(t)
const { floor, client, signal } = world
await kubectlOutput(floor, ['apply', '-f', '-'], { stdin: JSON.stringify(workersGroup()) })
await apply(client, [deployment('web', 2, '1500m', '1Gi')], signal)
await allRun(world, { web: 2 })
await settled(world)
const machines = liveMachines(world).length
const guide = await openGuide(world, 'operations.md')
const last = 'Leave'

for (const heading of new Set(guide.blocks.map((block) => block.heading))) {
  if (heading === last) continue
  t.test(`the commands under "${heading}" do what they say`, async (t) => {
    const { code, output } = await guide.run(heading)
    t.equal(code, 0, output)
  })
}

t.test('after all of that everything still works, with the same machines', async (t) => {
  await leaderOf(world)
  let told = ''
  const isSound = async () => {
    const { code, output } = await guide.run('Operations')
    told = output
    return code === 0
  }
  await until('doctor finds nothing that fails', isSound, { withinMs: 60_000, seen: () => told }, signal)
  t.equal(liveMachines(world).length, machines)
})

t.test('leaving keeps every machine and its Node', async (t) => {
  const { code, output } = await guide.run(last)
  t.equal(code, 0, output)
  t.equal(liveMachines(world).length, machines)
  const nodes = await client.list(resources.nodes, {}, signal)
  t.equal(nodes.items.length, machines + 1)
})
