import type { Clock } from '../../common/clock.ts'
import { TerminalError } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'
import { type RetryOptions, retry } from '../../common/retry.ts'
import { type Credentials, secretsOf } from './credentials.ts'
import { type ExchangeParts, exchange, isWorthRepeating } from './exchange.ts'
import type { VPSieMetrics } from './metrics.ts'
import { type IssuedToken, readToken } from './replies.ts'

const longestWaitMs = 5_000

/**
 * Exchanges a client's id and secret for an access token, at `POST {root}/auth/from/api` as in
 * vpsieinc/vpsie-k8s-autoscaler. Logging in twice does no harm, so failures are retried.
 */
export function logIn(
  deps: { clock: Clock; log: Logger; metrics: VPSieMetrics; retryOptions: RetryOptions } & ExchangeParts,
  credentials: Credentials,
  root: string,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const { login } = credentials
  if (login.kind === 'token') throw new TerminalError('a static token is not exchanged', { code: 'Invalid' })
  const spec = {
    operation: 'authenticate' as const,
    request: {
      method: 'POST' as const,
      url: `${root}/auth/from/api`,
      headers: {},
      form: { clientId: login.clientId, clientSecret: login.clientSecret },
      fresh: false,
    },
    secrets: secretsOf(credentials),
    lane: 'urgent' as const,
    longestWaitMs,
    repeatable: true,
    read: readToken,
  }
  const options = { ...deps.retryOptions, retryable: isWorthRepeating }
  return retry(deps.clock, () => exchange(deps, spec, signal), options, signal)
}
