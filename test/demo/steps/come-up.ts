import { join } from 'node:path'
import { resources } from '../../../common/kube/resources.ts'
import { kustomize } from '../../../manifests/kustomize.ts'
import { apply } from '../../fixtures/apply.ts'
import { call } from '../../fixtures/http.ts'
import { expect, until } from '../../fixtures/wait.ts'
import { leaderOf } from '../look.ts'
import { withShortIntervals, writeOverlay } from '../overlay.ts'
import type { Step } from '../story.ts'
import { vpsieSecret, type World } from '../world.ts'

/** With the real kubectl where there is one. */
async function applyBase({ floor, client, folder }: World, signal: AbortSignal): Promise<number> {
  if (!floor.applyFolder)
    return (await apply(client, kustomize('base').map(withShortIntervals), signal)).length
  const overlay = join(folder, 'overlay')
  await writeOverlay(overlay)
  return (await floor.applyFolder(overlay)).length
}

export const comeUp: Step<World> = {
  name: 'Kubernetes and VPSie come up; manifests/base is applied',
  asked: 'kubectl apply -k manifests/base, with the credentials of VPSie in a Secret',
  async run(world, tell, signal) {
    await apply(world.client, [vpsieSecret(world)], signal)
    const applied = await applyBase(world, signal)
    tell(`${applied} objects applied: CRDs, RBAC, webhook configurations, workloads`)
    await until(
      'two webhooks and two controllers run',
      () => world.programs.list('webhook').length === 2 && world.programs.list('controller').length === 2,
      {},
      signal,
    )
    for (const { component, ports } of [
      ...world.programs.list('webhook'),
      ...world.programs.list('controller'),
    ]) {
      await until(
        `${component} is ready`,
        async () => (await call({ port: ports.health ?? 0, path: '/readyz' })).status === 200,
        {},
        signal,
      )
    }
    tell('the certs job made the first certificates and published their authority')
    const { nodeGroups, vpsieNodes, events } = resources
    await world.view.follow(nodeGroups, vpsieNodes, events)
    const { leader, others } = await leaderOf(world)
    expect(others.length === 1, 'one controller stands by')
    return `2 webhooks and 2 controllers are ready over TLS; process ${leader.program.pid} leads, ${others[0]?.program.pid} stands by`
  },
}
