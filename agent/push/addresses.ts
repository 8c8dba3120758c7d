import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

/** One controller replica: an address, and the name its certificate must have. */
export interface Address {
  /** `host:port`, for logs and as a key. */
  key: string
  host: string
  port: number
  /** Undefined for a URL that names an address itself. */
  servername: string | undefined
}

/** Looks up all addresses of a name. */
export type Resolve = (host: string) => Promise<string[]>

export const resolveAll: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address)

/** Every address behind the URLs, each once. Rejects if a name cannot be resolved. */
export async function addressesOf(urls: readonly string[], resolve: Resolve): Promise<Address[]> {
  const found = new Map<string, Address>()
  for (const url of urls) {
    const { hostname, port: digits } = new URL(url)
    const name = hostname.replace(/^\[|\]$/g, '')
    const port = Number(digits || 443)
    const isAddress = isIP(name) !== 0
    for (const host of isAddress ? [name] : await resolve(name)) {
      const key = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
      found.set(key, { key, host, port, servername: isAddress ? undefined : name })
    }
  }
  return [...found.values()]
}
