import { randomBytes } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import type { Clock } from '../../common/clock.ts'
import { TerminalError, TransientError } from '../../common/errors.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import type { Logger } from '../../common/log.ts'
import { type Authenticate, createAuthenticate } from '../token/authenticate.ts'
import { createRateLimit } from '../token/rate.ts'
import { reviewToken } from '../token/review.ts'
import { bearerOf } from '../token/token.ts'
import type { Sessions } from './sessions.ts'

/** Whom a token must be for to be shown anything. */
export const pageAudience = 'vpsie-autoscaler-page'
/** Carries a token through the API server's proxy, which takes `Authorization` for itself. */
export const tokenHeader = 'x-vpsie-autoscaler-token'

/** Somebody whose token is good, and whether it may look. */
interface Visitor {
  username: string
  mayLook: boolean
}

interface Deps {
  client: Pick<KubeClient, 'post'>
  clock: Clock
  log: Logger
  sessions: Sessions
}

export interface AccessOptions {
  /** Users who may look. */
  viewers: readonly string[]
  /** Whether the listener has TLS: then the cookie is for TLS alone. */
  isSecure: boolean
}

export interface Access {
  /** Throws a classed error with its status for a request without a good token or session. */
  check(request: Request): Promise<void>
  /** Lets only requests that pass `check` through. */
  guard: RequestHandler
  /** Takes the token of a form, and gives the browser a session. */
  signIn(request: Request, response: Response, token: string): Promise<void>
  signOut(request: Request, response: Response): void
}

const maxTokens = 1000
// Each address may show so many tokens a second; those of a session are known and not counted.
const limits = { spacingMs: 200, burst: 30, maxKeys: 1000 }

/**
 * Makes the access of people: by a token for `pageAudience` of one of the viewers, as a bearer, in its own header, or
 * behind a session's cookie. Never by a query, which ends up in logs. Abort of `signal` ends what is asked of the API
 * server, which several requests may wait for.
 */
export function createAccess(deps: Deps, { viewers, isSecure }: AccessOptions, signal: AbortSignal): Access {
  const { clock, sessions } = deps
  const authenticate = authenticateVisitors(deps, new Set(viewers))
  const admit = createRateLimit({ clock }, limits)
  // Of this process alone: the browser sends cookies of every port of a host, and replicas share one when forwarded.
  const cookie = `${isSecure ? '__Host-' : ''}vpsie-autoscaler-${randomBytes(4).toString('hex')}`
  const attributes = `HttpOnly; SameSite=Strict; Path=/${isSecure ? '; Secure' : ''}`

  async function check(token: string): Promise<void> {
    const visitor = await authenticate(token, signal)
    if (!visitor) throw unauthenticated('the token is not valid here, or has expired')
    if (visitor.mayLook) return
    throw new TerminalError(`${visitor.username} may not look; ask for a token of ${viewers.join(' or ')}`, {
      code: 'Forbidden',
      status: 403,
    })
  }

  /** Shown tokens cost a question to the API server, so they are counted by who shows them. */
  async function checkShown(request: Request, token: string): Promise<void> {
    const waitMs = admit(request.socket.remoteAddress ?? '')
    if (waitMs > 0)
      throw new TransientError('too many tokens from this address', {
        code: 'Throttled',
        status: 429,
        retryAfterMs: waitMs,
      })
    await check(token)
  }

  const sessionOf = (request: Request) => cookieOf(request.headers.cookie, cookie)

  async function checkRequest(request: Request): Promise<void> {
    const shown = bearerOf(request.headers.authorization) ?? oneOf(request.headers[tokenHeader])
    if (shown !== undefined) return checkShown(request, shown)
    const session = sessionOf(request)
    const known = session === undefined ? undefined : sessions.tokenOf(session)
    if (known === undefined) throw unauthenticated(`a token for audience ${pageAudience} is needed`)
    await check(known)
  }

  return {
    check: checkRequest,
    async guard(request, _, next) {
      await checkRequest(request)
      next()
    },
    async signIn(request, response, token) {
      await checkShown(request, token)
      response.setHeader('set-cookie', `${cookie}=${sessions.open(token)}; ${attributes}`)
    },
    signOut(request, response) {
      const session = sessionOf(request)
      if (session !== undefined) sessions.close(session)
      response.setHeader('set-cookie', `${cookie}=; Max-Age=0; ${attributes}`)
    },
  }
}

function authenticateVisitors(
  { client, clock, log }: Deps,
  viewers: ReadonlySet<string>,
): Authenticate<Visitor> {
  return createAuthenticate<Visitor>(
    {
      clock,
      log,
      async review(token, signal) {
        const user = await reviewToken({ client }, token, pageAudience, signal)
        return user && { username: user.username, mayLook: viewers.has(user.username) }
      },
      count: () => undefined,
    },
    { audience: pageAudience, maxTokens },
  )
}

function unauthenticated(message: string): TerminalError {
  return new TerminalError(message, { code: 'Unauthorized', status: 401 })
}

function oneOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[\w.~+/-]+=*$/.test(header) ? header : undefined
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  return header
    ?.split(';')
    .map((pair) => pair.trim().split('='))
    .find(([key]) => key === name)?.[1]
}
