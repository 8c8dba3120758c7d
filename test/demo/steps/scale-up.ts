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
    const told = await until(
      'every pod is told what it gets',
      () => {
        const found = events(world, 'TriggeredScaleUp')
        return new Set(found.map(({ involvedObject }) => involvedObject.name)).size === 12 && found
      },
      {},
      signal,
    )
    for (const app of Object.keys(apps)) {
      const event = told.find(({ involvedObject }) => involvedObject.name.startsWith(app))
      tell(`${event?.involvedObject.name}: ${event?.message}`)
    }
    await allRun(world, apps)
    await settled(world)
    const { planGeneration, monthlyCost } = nodeGroup(world).status ?? {}
    expect(planGeneration === 1, `all machines are bought by one plan: it took ${planGeneration}`)
    const sizes = liveMachines(world)
      .map(({ size }) => size.name)
      .sort()
    expect(liveMachines(world).length === claims(world).length, 'every machine has its claim')
    for (const { metadata, spec } of workers(world)) {
      expect(
        metadata.labels?.['example.com/pool'] === 'workers',
        `${metadata.name} carries the labels of its group`,
      )
      expect(
        metadata.annotations?.['autoscaler.vpsie.com/startup-taints-applied'] === 'true',
        `${metadata.name} was set up`,
      )
      expect(!spec?.taints?.length, `${metadata.name} has no taint left`)
    }
    const repaired = world.programs
      .list('controller')
      .flatMap(({ program }) => program.lines.filter((line) => line.includes('node repaired')))
    tell(
      `${workers(world).length - repaired.length} of ${workers(world).length} nodes were labelled by admission as they registered`,
    )
    return `${sizes.length} machines in one go (${sizes.join(', ')}) for ${monthlyCost} a month; all 12 pods run`
  },
}
