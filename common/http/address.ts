import { InputError } from '../errors.ts'

/**
 * Host and port of a listener's address: `host:port`, `[::1]:port`, or `:port` for all interfaces (no host).
 * Port 0 takes a free one. Throws `InputError` naming `path`.
 */
export function parseAddress(text: string, path = 'address'): { host?: string; port: number } {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65_535) {
    throw new InputError(
      path,
      `must be host:port or :port with a port of 0 to 65535: current value is "${text}"`,
    )
  }
  const host = bracketed ?? plain
  return host ? { host, port } : { port }
}

/** Whether an address says that nothing is to listen: empty or `0`, as Go's programs have it. */
export function isOff(address: string): boolean {
  return address === '' || address === '0'
}
