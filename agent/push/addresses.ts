import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

/** One controller replica: an address, and the name its certificate must have. */
export interface Address {
  /** `host:port`, for logs and as a key. */
  key: string
  host: string
  port: number
  /** `host[:port]` of the URL, for the `Host` header. */
  authority: string
  /** Undefined for a URL that names an address itself. */
  servername: string | undefined
}

/** Looks up all addresses of a name. */
export type Resolve = (host: string) => Promise<string[]>

// Far more than there are replicas; a name that has more is not ours.
const mostAddresses = 32

/** Asks the system's resolver, as everything in a pod does: with its search domains and time limits. */
export const resolveAll: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address)

/** Every address behind a URL, each once. Rejects if its name cannot be resolved. */
export async function addressesOf(url: string, resolve: Resolve): Promise<Address[]> {
  const { hostname, host: authority, port: digits } = new URL(url)
  const name = hostname.replace(/^\[|\]$/g, '')
  const port = Number(digits || 443)
  const isAddress = isIP(name) !== 0
  const hosts = new Set(isAddress ? [name] : (await resolve(name)).slice(0, mostAddresses))
  return [...hosts].map((host) => {
    const key = isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
    return { key, host, port, authority, servername: isAddress ? undefined : name }
  })
}
