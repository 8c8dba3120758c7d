import type { Clock } from '../../common/clock.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import type { Logger } from '../../common/log.ts'
import { reportAudience } from '../../common/report.ts'
import { type Authenticate, createAuthenticate } from '../token/authenticate.ts'
import type { IngestMetrics } from './metrics.ts'
import { type Speaker, type SpeakerPod, speakerOf } from './speaker.ts'

interface Deps {
  client: Pick<KubeClient, 'get' | 'post'>
  clock: Clock
  log: Logger
  metrics: Pick<IngestMetrics, 'token_reviews_total'>
  /** Whether a pod that a token is bound to is still there, as far as is known. */
  hasPod: (pod: SpeakerPod) => boolean
}

export interface AgentAuthOptions {
  namespace: string
  serviceAccount: string
  /** Answers kept at most, of each kind. */
  maxTokens: number
}

/** Makes the authentication of agents: their tokens speak for the node of the pod that they are bound to. */
export function authenticateAgents(
  { client, clock, log, metrics, hasPod }: Deps,
  { maxTokens, ...account }: AgentAuthOptions,
): Authenticate<Speaker> {
  return createAuthenticate<Speaker>(
    {
      clock,
      log,
      review: (token, signal) => speakerOf({ client }, token, account, signal),
      count: (result) => metrics.token_reviews_total.inc({ result }),
      isOver: ({ pod }) => pod !== undefined && !hasPod(pod),
    },
    { audience: reportAudience, maxTokens },
  )
}
