/** What a token says of itself. Nothing of it is trusted; it only saves asking about what cannot be right. */
export interface TokenClaims {
  /** Milliseconds since the epoch. */
  expiresAt: number
}

const longestToken = 8192

/**
 * Reads the claims of a service account's token without verifying it. Undefined if it is no JSON web token, is not
 * for `audience`, or has expired at `now`: then the API server would refuse it too.
 */
export function readToken(token: string, audience: string, now: number): TokenClaims | undefined {
  if (token.length > longestToken) return undefined
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token) ?? []
  if (payload === undefined) return undefined
  const { aud, exp } = parse(payload)
  const expiresAt = Number(exp) * 1000
  return [aud].flat().includes(audience) && expiresAt > now ? { expiresAt } : undefined
}

function parse(payload: string): { aud?: unknown; exp?: unknown } {
  try {
    return (JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) ?? {}) as object
  } catch {
    return {}
  }
}

/** The token of an `Authorization: Bearer` header; undefined for anything else. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer ([\w.~+/-]+=*)$/i.exec(header ?? '')?.[1]
}
