import { resources } from '../../../common/kube/resources.ts'
import { rotateUnderLoad, tryNodeGroup } from '../../checks/rotation.ts'
import { expect, until } from '../../fixtures/wait.ts'
import { leaderOf, metric } from '../look.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

/** A token in place of the client's credentials, and back. */
async function changeCredentials(world: World, signal: AbortSignal): Promise<void> {
  const { client, vpsie } = world
  const { leader } = await leaderOf(world)
  const accepted = async () => (await metric(leader, 'credential_rotation_successes_total')) ?? 0
  const before = await accepted()
  const secret = { namespace: 'kube-system', name: 'vpsie-secret' }
  for (const [i, kind] of (['token', 'client'] as const).entries()) {
    const data = { clientId: null, clientSecret: null, token: null, ...vpsie.secretData(kind) }
    await client.patch(resources.secrets, secret, { data }, {}, signal)
    await until(`the ${kind} is accepted`, async () => (await accepted()) > before + i, {}, signal)
  }
}

export const rotate: Step<World> = {
  name: 'The authority of all certificates is rotated while people write and agents report; then the credentials of VPSie',
  asked:
    'certs/main.ts rotate --force, with NodeGroups admitted and reports taken all the time; a new Secret',
  async run(world, tell, signal) {
    const load = { rotations: 1, admit: tryNodeGroup(world), parallel: 2, bundleDelayMs: () => 0 }
    const result = await rotateUnderLoad(world, load, tell, signal)
    const { admissions, rejected, reports, refusedReports, worstGapMs } = result
    expect(admissions > 50 && reports > 50, 'there was a load')
    expect(
      rejected + refusedReports === 0,
      `nothing is refused: ${rejected} writes, ${refusedReports} reports`,
    )
    await changeCredentials(world, signal)
    tell('credentials of another form were taken up and accepted by VPSie, and so were the old ones again')
    return `${admissions} admissions and ${reports} reports, 0 refused; never more than ${worstGapMs} ms between two admissions`
  },
}
