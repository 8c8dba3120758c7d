import type { PodDisruptionBudget } from '../../../common/kube/objects.ts'
import { resources } from '../../../common/kube/resources.ts'
import { expect, until } from '../../fixtures/wait.ts'
import { allRun, isRunning, liveMachines, nodeGroup, podsOf, scale, settled, workers } from '../look.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

// As many web pods as a node has; more than one node of them never goes at once.
const mostAtOnce = 2

const budget: PodDisruptionBudget = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'web' } }, maxUnavailable: mostAtOnce },
}

export const scaleDown: Step<World> = {
  name: 'The load shrinks; nodes that are not needed are drained and given back',
  asked: 'kubectl scale batch and api to 0; a PodDisruptionBudget lets two web pods go at a time',
  async run(world, tell, signal) {
    const { client } = world
    const disruption = { maxUnavailable: '100%', minNodeAgeSeconds: 0 }
    const name = { namespace: 'kube-system', name: 'workers' }
    await client.patch(resources.nodeGroups, name, { spec: { disruption } }, {}, signal)
    const before = liveMachines(world).length
    for (const app of ['web', 'api', 'batch']) await scale(world, app, 0)
    await until(
      'their pods are gone',
      () => ['web', 'api', 'batch'].every((app) => podsOf(world, app).length === 0),
      {},
      signal,
    )
    await scale(world, 'web', 4)
    await allRun(world, { web: 4 })
    await client.create(resources.podDisruptionBudgets, budget, signal)
    const spread = new Set(podsOf(world, 'web').map(({ spec }) => spec.nodeName)).size
    tell(`the 4 web pods are on ${spread} of ${before} nodes`)

    const rounds = watchRounds(world)
    await until(
      'no node is left that is not needed',
      () => liveMachines(world).length < before && isAtRest(world),
      { withinMs: 40_000, seen: () => whyKept(world).join('; ') },
      signal,
    )
    await allRun(world, { web: 4 })
    await settled(world)
    rounds.stop()
    for (const line of whyKept(world)) tell(line)
    const gone = before - liveMachines(world).length
    expect(
      rounds.mostDown() <= mostAtOnce,
      `never more than ${mostAtOnce} web pods were down: it was ${rounds.mostDown()}`,
    )
    expect(rounds.moved() >= 1, 'at least one web pod had to move')
    return `${gone} of ${before} nodes drained and given back, ${rounds.moved()} web pods moved, never more than ${mostAtOnce} at a time; each kept node says why`
  },
}

/** Nothing is leaving, and the one decision that stands keeps all there is. */
function isAtRest(world: World): boolean {
  const { nodes = [], currentNodes, desiredNodes } = nodeGroup(world).status ?? {}
  const waits = nodes.some(({ reason = '' }) =>
    /^(NotUnneededLongEnough|Cooldown|UsageUnknown|UsageHigh|BudgetExhausted|TooYoung)/.test(reason),
  )
  const count = workers(world).length
  return currentNodes === desiredNodes && currentNodes === count && nodes.length === count && !waits
}

function whyKept(world: World): string[] {
  return (nodeGroup(world).status?.nodes ?? []).map(
    ({ nodeName, verdict, reason }) => `${nodeName}: ${verdict ?? 'no verdict'}: ${reason ?? ''}`,
  )
}

/** Counts how many web pods were moved, and how many were ever down at once. */
function watchRounds(world: World) {
  const moved = new Set<string>()
  let most = 0
  const stop = world.view.of(resources.pods).onChange(() => {
    const pods = podsOf(world, 'web')
    for (const { metadata } of pods) if (metadata.deletionTimestamp) moved.add(metadata.uid ?? '')
    most = Math.max(most, 4 - pods.filter(isRunning).length)
  })
  return { stop, moved: () => moved.size, mostDown: () => most }
}
