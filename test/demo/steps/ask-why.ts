import { pageAudience } from '../../../controller/page/access.ts'
import { viewerAccount } from '../../../controller/page/options.ts'
import type { View } from '../../../controller/page/view.ts'
import { call } from '../../fixtures/http.ts'
import { expect, until } from '../../fixtures/wait.ts'
import { accountToken } from '../../floors/floor.ts'
import { leaderOf, workers } from '../look.ts'
import type { PodProcess } from '../programs.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

export const askWhy: Step<World> = {
  name: 'Somebody asks why',
  asked: `a token of ${viewerAccount}; then the status page, and why one of the nodes is kept`,
  async run(world, tell, signal) {
    const { leader, others } = await leaderOf(world)
    const request = { namespace: 'kube-system', serviceAccount: viewerAccount, audience: pageAudience }
    const token = await accountToken(world.client, request, signal)
    const [node = ''] = workers(world).map(({ metadata }) => metadata.name)

    expect((await look(leader, '/v1/status')).status === 401, 'without a token nothing is shown')
    const page = await look(leader, '/', token)
    expect(page.body.includes(`/explain?node=${node}`), 'the page shows the node')
    const view = await until(
      'the page shows what agents tell',
      async () => {
        const found = JSON.parse((await look(leader, '/v1/status', token)).body) as View
        return found.nodes.rows.some(({ usage }) => usage.some((point) => point)) && found
      },
      {},
      signal,
    )
    for (const standby of others) {
      const { body } = await look(standby, '/', token)
      expect(
        body.includes('stands by') && body.includes(view.replica),
        'the one that stands by says who leads',
      )
    }
    const { body } = await look(leader, `/v1/explain?node=${node}`, token, 'text/plain')
    for (const line of body.trim().split('\n')) tell(line)
    expect(
      body.startsWith(`node ${node}: keep`) && body.includes('what would change it'),
      'the node is explained',
    )
    return `the page shows ${view.nodes.rows.length} nodes and ${view.decision?.monthlyCost.now} a month`
  },
}

function look({ ports }: PodProcess, path: string, token?: string, accept = 'text/html') {
  return call({
    port: ports.page ?? 0,
    path,
    headers: {
      accept: path.startsWith('/v1/status') ? 'application/json' : accept,
      ...(token && { authorization: `Bearer ${token}` }),
    },
  })
}
