import type { Clock } from '../../common/clock.ts'
import { codeOf, errorText } from '../../common/errors.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import type { Logger } from '../../common/log.ts'
import type { ControllerOptions } from '../options.ts'
import type { VPSieClient } from '../vpsie/client.ts'
import { agents, certificates, definitions, leader, permissions, webhooks } from './cluster.ts'
import { type Finding, failed } from './finding.ts'
import { vpsie } from './vpsie.ts'

export interface DoctorDeps {
  client: Pick<KubeClient, 'get' | 'list' | 'post'>
  provider: Pick<VPSieClient, 'listClusters' | 'listOffers' | 'clockOffsetMs'>
  clock: Clock
  log: Logger
  options: ControllerOptions
}

const looks = { definitions, permissions, webhooks, certificates, leader, agents, VPSie: vpsie }

/** Looks at everything that an installation needs. What cannot be looked at is a finding, too; nothing is changed. */
export async function examine(deps: DoctorDeps, signal: AbortSignal): Promise<Finding[]> {
  const all = await Promise.all(
    Object.entries(looks).map(async ([about, look]) => {
      try {
        return await look(deps, signal)
      } catch (error) {
        signal.throwIfAborted()
        const advice =
          codeOf(error) === 'Forbidden'
            ? 'run it as somebody who may read this'
            : 'see that the API server answers: kubectl version'
        return [failed(about, `cannot be looked at: ${errorText(error)}`, advice)]
      }
    }),
  )
  return all.flat()
}

/** The findings for people: what is wrong comes last, where it is read. */
export function findingsText(findings: readonly Finding[]): string {
  const rank = { ok: 0, warning: 1, failed: 2 }
  const marks = { ok: 'ok     ', warning: 'WARNING', failed: 'FAILED ' }
  return [...findings]
    .sort((a, b) => rank[a.state] - rank[b.state])
    .flatMap(({ about, state, message, advice }) => [
      `${marks[state]}  ${about}: ${message}`,
      ...(advice === undefined ? [] : [`         -> ${advice}`]),
    ])
    .map((line) => `${line}\n`)
    .join('')
}
