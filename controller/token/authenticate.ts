import { createHmac, randomBytes } from 'node:crypto'
import { type Clock, withDeadline } from '../../common/clock.ts'
import { errorText, TransientError } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'
import { RecentMap } from './recent.ts'
import { readToken } from './token.ts'

/** Tells whom a token speaks for; undefined for one that may not speak. */
export type Authenticate<S> = (token: string, signal: AbortSignal) => Promise<S | undefined>

interface Deps<S> {
  clock: Clock
  log: Logger
  /** Asks the API server; throws when it does not answer. */
  review(token: string, signal: AbortSignal): Promise<S | undefined>
  /** Told how each question to the API server ended. */
  count(result: 'accepted' | 'refused' | 'error'): void
  /** Whether a yes is known to hold no longer, as when the pod that the token is bound to is gone. */
  isOver?(speaker: S): boolean
}

export interface AuthenticateOptions {
  /** That tokens must be for. */
  audience: string
  /** Answers kept at most, of each kind. */
  maxTokens: number
}

interface Answer<S> {
  speaker: S | undefined
  /** By the monotonic clock: until then nobody is asked. */
  askAt: number
  /** By the wall clock: the token's own end. */
  expiresAt: number
}

// The API server itself keeps an answer for 10 s; asking for every report of 5,000 nodes would be 333 a second.
const acceptedMs = 300_000
const refusedMs = 10_000
// While the API server does not answer, a known token is asked about no more often than this.
const awayMs = 10_000
const reviewMs = 5_000
const mostReviews = 16

/**
 * Makes an authentication by TokenReview. Answers are kept under a keyed hash, never the token itself: a yes for five
 * minutes, a no for ten seconds, an error not at all. A yes is asked about again sooner once it is over. While the API
 * server is away a known token goes on working until it expires. Throws `TransientError` when it cannot be told.
 */
export function createAuthenticate<S>(
  { clock, log, review, count, isOver: isGone = () => false }: Deps<S>,
  { audience, maxTokens }: AuthenticateOptions,
): Authenticate<S> {
  const key = randomBytes(32)
  const accepted = new RecentMap<Answer<S>>(maxTokens)
  const refused = new RecentMap<Answer<S>>(maxTokens)
  const asking = new Map<string, Promise<S | undefined>>()

  const isOver = ({ speaker, expiresAt }: Answer<S>) =>
    expiresAt <= clock.now() || (speaker !== undefined && isGone(speaker))

  async function ask(token: string, hash: string, expiresAt: number, signal: AbortSignal) {
    const speaker = await review(token, withDeadline(clock, reviewMs, signal))
    count(speaker ? 'accepted' : 'refused')
    const [pool, other, ms] = speaker ? [accepted, refused, acceptedMs] : [refused, accepted, refusedMs]
    pool.set(hash, { speaker, expiresAt, askAt: clock.monotonic() + ms })
    other.delete(hash)
    return speaker
  }

  /** Without the API server: what was known, if that still holds. */
  function withoutAnswer(known: Answer<S> | undefined, error: unknown): S {
    count('error')
    log.debug('token could not be reviewed', { error: errorText(error) })
    if (known?.speaker && !isOver(known)) {
      known.askAt = clock.monotonic() + awayMs
      return known.speaker
    }
    const details = { code: 'Unreachable', status: 503, cause: error } as const
    throw new TransientError('the API server could not be asked about the token', details)
  }

  return async (token, signal) => {
    const claims = readToken(token, audience, clock.now())
    if (!claims) return undefined
    const hash = createHmac('sha256', key).update(token).digest('base64')
    const known = accepted.get(hash) ?? refused.get(hash)
    if (known && known.askAt > clock.monotonic() && !isOver(known)) return known.speaker
    const present = asking.get(hash)
    if (present) return present
    if (asking.size >= mostReviews) {
      if (known?.speaker && !isOver(known)) return known.speaker
      throw new TransientError('too many tokens are being reviewed', { code: 'Throttled', status: 503 })
    }
    const question = ask(token, hash, claims.expiresAt, signal)
      .catch((error: unknown) => withoutAnswer(known, error))
      .finally(() => asking.delete(hash))
    asking.set(hash, question)
    return question
  }
}
