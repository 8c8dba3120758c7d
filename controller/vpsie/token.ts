import type { Clock } from '../../common/clock.ts'
import { errorText, hasCode } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'
import { type Credentials, sameCredentials } from './credentials.ts'
import { createFlight } from './flight.ts'
import type { VPSieMetrics } from './metrics.ts'
import type { IssuedToken } from './replies.ts'
import { createRotationWatch } from './rotation.ts'

export interface TokenOptions {
  /** Milliseconds before its end at which a token is renewed. */
  refreshBeforeMs: number
  /** Milliseconds one renewal may take, its retries included. */
  exchangeMs: number
}

/** Logs in at `root`, the API's URL with the dialect's prefix. */
export type Exchange = (credentials: Credentials, root: string, signal: AbortSignal) => Promise<IssuedToken>

export interface TokenSource {
  /** A token to send. Callers who come while one is being fetched share it. */
  get(root: string, signal: AbortSignal): Promise<string>
  /** VPSie took the token. */
  accepted(token: string): void
  /**
   * VPSie refused the token. True if a new one may help: it was exchanged, and had been taken before. False for a
   * static token or one that was refused fresh, where asking again would only repeat the refusal.
   */
  rejected(token: string): boolean
}

// An unreadable expiry counts as this long, as in the predecessor.
const assumedLifeMs = 3_600_000
// However short VPSie (or the difference of our clocks) makes a token's life, it is not fetched more often than this.
const shortestUseMs = 60_000

interface Held {
  credentials: Credentials
  token: string
  renewAt: number
  expiresAt: number
  /** VPSie has taken it at least once. */
  taken: boolean
  /** It is that of earlier credentials, because VPSie refused the present ones. */
  leftOver: boolean
}

/**
 * Gives the token of the credentials as they are now: a static one as it is, else one from `exchange`, renewed ahead
 * of its end. While a renewal fails, or changed credentials are refused, the token at hand serves until it ends.
 */
export function createTokenSource(
  deps: { clock: Clock; log: Logger; metrics: VPSieMetrics },
  options: TokenOptions,
  credentials: () => Credentials,
  exchange: Exchange,
): TokenSource {
  const { clock, log, metrics } = deps
  const rotation = createRotationWatch(deps)
  let held: Held | undefined
  let dropped: { token: string; renewable: boolean } | undefined
  let rootAsked = ''

  const renew = createFlight(deps, options.exchangeMs, async (signal) => {
    const asked = credentials()
    try {
      held = hold(asked, await exchange(asked, rootAsked, signal))
      metrics.credential_expires_at_timestamp.set(held.expiresAt / 1000)
    } catch (error) {
      if (hasCode(error, 'Unauthorized', 'Forbidden')) rotation.rejected()
      if (!held || held.expiresAt <= clock.now()) throw error
      const renewAt = Math.min(held.expiresAt, clock.now() + shortestUseMs)
      held = {
        ...held,
        credentials: asked,
        renewAt,
        leftOver: !sameCredentials(asked, held.credentials) || held.leftOver,
      }
      log.warn('could not renew the access token; the one at hand still serves', { error: errorText(error) })
    }
    return held
  })

  function hold(asked: Credentials, { token, expiresAt: told }: IssuedToken): Held {
    const now = clock.now()
    const expiresAt = told !== undefined && told > now ? told : now + assumedLifeMs
    const early = Math.min(options.refreshBeforeMs, (expiresAt - now) / 2)
    const renewAt = Math.max(expiresAt - early, now + shortestUseMs)
    return { credentials: asked, token, expiresAt, renewAt, taken: false, leftOver: false }
  }

  return {
    async get(root, signal) {
      for (;;) {
        const wanted = credentials()
        rotation.use(wanted)
        if (wanted.login.kind === 'token') {
          metrics.credential_expires_at_timestamp.set(0)
          held = undefined
          return wanted.login.token
        }
        if (held && clock.now() < held.renewAt && sameCredentials(held.credentials, wanted)) return held.token
        rootAsked = root
        await renew(signal)
      }
    },
    accepted(token) {
      if (held?.token !== token) return rotation.accepted()
      held.taken = true
      if (!held.leftOver) rotation.accepted()
    },
    rejected(token) {
      // Of several requests that were refused together only the first throws the token away.
      if (dropped?.token === token) return dropped.renewable
      if (held && held.token !== token) return true
      rotation.rejected()
      dropped = { token, renewable: held?.taken ?? false }
      held = undefined
      return dropped.renewable
    },
  }
}
