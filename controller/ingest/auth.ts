import { createHmac, randomBytes } from 'node:crypto'
import { type Clock, withDeadline } from '../../common/clock.ts'
import { errorText, TransientError } from '../../common/errors.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import type { Logger } from '../../common/log.ts'
import type { IngestMetrics } from './metrics.ts'
import { reviewToken, type Speaker } from './review.ts'
import { readToken } from './token.ts'

/** Tells whom a token speaks for; undefined for one that is no agent's. */
export type Authenticate = (token: string, signal: AbortSignal) => Promise<Speaker | undefined>

interface Deps {
  client: Pick<KubeClient, 'get' | 'post'>
  clock: Clock
  log: Logger
  metrics: Pick<IngestMetrics, 'token_reviews_total'>
}

export interface AuthOptions {
  namespace: string
  serviceAccount: string
  /** Answers kept at most, of each kind. */
  maxTokens: number
}

interface Answer {
  speaker: Speaker | undefined
  until: number
}

// The API server itself keeps an answer for 10 s; asking for every report of 5,000 nodes would be 333 a second.
const acceptedMs = 300_000
const refusedMs = 10_000
const reviewMs = 5_000
const mostReviews = 16

/**
 * Makes the authentication of agents by TokenReview. Answers are kept under a keyed hash, never the token itself: a
 * yes for five minutes or until the token expires, a no for ten seconds, an error not at all. While the API server is
 * away a known token goes on working for as long as its answer is kept. Throws `TransientError` when it cannot be told.
 */
export function createAuthenticate(deps: Deps, options: AuthOptions): Authenticate {
  const { clock, metrics, log } = deps
  const key = randomBytes(32)
  const accepted = new Map<string, Answer>()
  const refused = new Map<string, Answer>()
  const asking = new Map<string, Promise<Speaker | undefined>>()

  async function ask(token: string, hash: string, expiresAt: number, signal: AbortSignal) {
    try {
      const speaker = await reviewToken(deps, token, options, withDeadline(clock, reviewMs, signal))
      metrics.token_reviews_total.inc({ result: speaker ? 'accepted' : 'refused' })
      const [pool, ms] = speaker ? [accepted, acceptedMs] : [refused, refusedMs]
      keep(pool, hash, { speaker, until: Math.min(expiresAt, clock.now() + ms) }, options.maxTokens)
      return speaker
    } catch (error) {
      metrics.token_reviews_total.inc({ result: 'error' })
      log.debug('token could not be reviewed', { error: errorText(error) })
      throw new TransientError('the API server could not be asked about the token', {
        code: 'Unreachable',
        status: 503,
        cause: error,
      })
    }
  }

  return async (token, signal) => {
    const now = clock.now()
    const claims = readToken(token, now)
    if (!claims) return undefined
    const hash = createHmac('sha256', key).update(token).digest('base64')
    const known = accepted.get(hash) ?? refused.get(hash)
    if (known && known.until > now) return known.speaker
    const present = asking.get(hash)
    if (present) return present
    if (asking.size >= mostReviews) {
      throw new TransientError('too many tokens are being reviewed', { code: 'Throttled', status: 503 })
    }
    const question = ask(token, hash, claims.expiresAt, signal).finally(() => asking.delete(hash))
    asking.set(hash, question)
    return question
  }
}

/** Keeps the answer as the newest; the oldest ones leave. */
function keep(pool: Map<string, Answer>, hash: string, answer: Answer, most: number): void {
  pool.delete(hash)
  pool.set(hash, answer)
  for (const oldest of pool.keys()) {
    if (pool.size <= most) break
    pool.delete(oldest)
  }
}
