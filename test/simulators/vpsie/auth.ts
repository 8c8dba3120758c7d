import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../../common/clock.ts'

/** What logs in to the simulated VPSie; made anew by each start. */
export interface SimulatedCredentials {
  clientId: string
  clientSecret: string
  /** A static token. */
  token: string
}

/** The log-in side of the simulated VPSie. */
export class Auth {
  readonly credentials: SimulatedCredentials
  /** Successful log-ins so far. */
  logins = 0
  readonly #clock: Clock
  readonly #tokenLifeMs: number
  readonly #issued = new Map<string, number>()

  constructor(clock: Clock, tokenLifeMs: number) {
    this.#clock = clock
    this.#tokenLifeMs = tokenLifeMs
    const secret = (prefix: string) => `${prefix}-${randomBytes(18).toString('hex')}`
    this.credentials = { clientId: secret('client'), clientSecret: secret('hush'), token: secret('static') }
  }

  /** The reply to a log-in; undefined if the pair is wrong. */
  issue(clientId: string | null, clientSecret: string | null): object | undefined {
    const { credentials } = this
    if (clientId !== credentials.clientId || clientSecret !== credentials.clientSecret) return undefined
    this.logins++
    const token = `issued-${randomBytes(18).toString('hex')}`
    const expires = this.#clock.now() + this.#tokenLifeMs
    this.#issued.set(token, expires)
    return {
      error: false,
      code: 200,
      message: 'ok',
      accessToken: { token, expires: new Date(expires).toISOString() },
      refreshToken: {
        token: `refresh-${randomBytes(18).toString('hex')}`,
        expires: new Date(expires * 2).toISOString(),
      },
    }
  }

  /** True if the request carries a good token in either header. */
  allows(headers: IncomingHttpHeaders): boolean {
    const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
    return [bearer, headers['vpsie-auth']].some((token) => typeof token === 'string' && this.#isGood(token))
  }

  /** Tokens handed out and not revoked, so that a test can look for them where they must not be. */
  issuedTokens(): string[] {
    return [...this.#issued.keys()]
  }

  /** Makes every issued token worthless at once. */
  revokeIssued(): void {
    this.#issued.clear()
  }

  #isGood(token: string): boolean {
    return token === this.credentials.token || (this.#issued.get(token) ?? 0) > this.#clock.now()
  }
}
