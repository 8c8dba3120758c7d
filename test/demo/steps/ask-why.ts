import { keyOf } from '../../../common/kube/resources.ts'
import { pageAudience } from '../../../controller/page/access.ts'
import { viewerAccount } from '../../../controller/page/options.ts'
import type { View } from '../../../controller/page/view.ts'
import { apply } from '../../fixtures/apply.ts'
import { call } from '../../fixtures/http.ts'
import { expect, until } from '../../fixtures/wait.ts'
import { accountToken } from '../../floors/floor.ts'
import { deployment, isSeen, leaderOf, podsOf, scale, workers } from '../look.ts'
import type { PodProcess } from '../programs.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

export const askWhy: Step<World> = {
  name: 'Somebody asks why',
  asked: `a token of ${viewerAccount}; the status page; why a node is kept, and why a pod of 64 cores waits`,
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
    await follow(world, leader, token, signal)
    await explainTooLarge(world, leader, token, tell, signal)
    const { body } = await look(leader, `/v1/explain?node=${node}`, token, 'text/plain')
    for (const line of body.trim().split('\n')) tell(line)
    expect(
      body.startsWith(`node ${node}: keep`) && body.includes('what would change it'),
      'the node is explained',
    )
    return `the page shows ${view.nodes.rows.length} nodes and ${view.decision?.monthlyCost.now} a month`
  },
}

/** The stream that keeps an open page true, until it has told something and has been counted. */
async function follow(
  world: World,
  { ports }: PodProcess,
  token: string,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${ports.page}/events`, {
    headers: { authorization: `Bearer ${token}` },
    signal,
  })
  const reader = response.body?.getReader()
  const { value } = (await reader?.read()) ?? {}
  const text = new TextDecoder().decode(value)
  expect(text.includes('event: decision'), `the page is told of decisions: ${text}`)
  await until(
    'a further decision is told',
    async () => ((await reader?.read())?.value?.length ?? 0) > 0,
    {},
    signal,
  )
  await isSeen(world, 'page_streams', signal)
  await reader?.cancel()
}

async function explainTooLarge(
  world: World,
  leader: PodProcess,
  token: string,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await apply(world.client, [deployment('huge', 1, '64', '1Gi')], signal)
  const pod = await until('the pod is there', () => podsOf(world, 'huge')[0], {}, signal)
  const explanation = await until(
    'the pod is explained',
    async () => {
      const { body } = await look(leader, `/v1/explain?pod=${keyOf(pod)}`, token, 'text/plain')
      return body.includes('NoGroupFits') && body
    },
    {},
    signal,
  )
  for (const line of explanation.trim().split('\n')) tell(line)
  await isSeen(world, 'pods_waiting', signal)
  await scale(world, 'huge', 0)
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
