import type { Node } from '../../../common/kube/objects.ts'
import { apply } from '../../fixtures/apply.ts'
import { expect, until } from '../../fixtures/wait.ts'
import { allRun, claims, deployment, events, liveMachines, nodeGroup, settled, workers } from '../look.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

/** Twelve pods of three shapes. */
export const apps = { web: 4, api: 4, batch: 4 }

export const scaleUp: Step<World> = {
  name: 'Twelve pods of three shapes find no place; machines are bought for them',
  asked: 'kubectl apply: web 4 × 300m/256Mi, api 4 × 700m/1Gi, batch 4 × 1500m/3Gi',
  async run(world, tell, signal) {
    const objects = [
      deployment('web', apps.web, '300m', '256Mi'),
      deployment('api', apps.api, '700m', '1Gi'),
      deployment('batch', apps.batch, '1500m', '3Gi'),
    ]
    await apply(world.client, objects, signal)
    await allRun(world, apps)
    const told = events(world, 'TriggeredScaleUp')
    for (const app of Object.keys(apps)) {
      const event = told.find(({ involvedObject }) => involvedObject.name.startsWith(app))
      if (event) tell(`${event.involvedObject.name}: ${event.message}`)
    }
    expect(told.length > 0, 'pods are told what they get')
    await settled(world)
    // On a slow machine the last pods come after the first plan, and may fit on what it buys; none waits for a second one.
    const waited = events(world, 'NotTriggerScaleUp').map(({ involvedObject }) => involvedObject.name)
    expect(waited.length === 0, `every pod gets its place by the first plan that sees it: ${waited} waited`)
    const { planGeneration, monthlyCost } = nodeGroup(world).status ?? {}
    const sizes = liveMachines(world)
      .map(({ size }) => size.name)
      .sort()
    expect(liveMachines(world).length === claims(world).length, 'every machine has its claim')
    const unfinished = () => workers(world).flatMap(whatIsMissing)
    await until(
      'every node is set up as its group says',
      () => workers(world).length === claims(world).length && unfinished().length === 0,
      { seen: () => unfinished().join('; ') },
      signal,
    )
    const repaired = world.programs
      .list('controller')
      .flatMap(({ program }) => program.lines.filter((line) => line.includes('node repaired')))
    tell(
      `${workers(world).length - repaired.length} of ${workers(world).length} nodes were labelled by admission as they registered`,
    )
    const how = planGeneration === 1 ? 'in one go' : `by ${planGeneration} plans`
    return `${sizes.length} machines ${how} (${sizes.join(', ')}) for ${monthlyCost} a month; all 12 pods run`
  },
}

/** What a new node of the group lacks of its labels and its set-up. */
function whatIsMissing({ metadata, spec }: Node): string[] {
  const { labels = {}, annotations = {}, name } = metadata
  return [
    ...(labels['example.com/pool'] === 'workers' ? [] : [`${name} does not carry the labels of its group`]),
    ...(annotations['autoscaler.vpsie.com/startup-taints-applied'] === 'true'
      ? []
      : [`${name} was not set up`]),
    ...(spec?.taints ?? []).map(({ key }) => `${name} has the taint ${key} left`),
  ]
}
