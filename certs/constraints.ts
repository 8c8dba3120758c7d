import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import forge from 'node-forge'
import { children } from './x509.ts'

/*
 * Name constraints (RFC 5280, section 4.2.1.10): what an authority may sign for. An authority whose key is stolen is
 * then good for nothing but our own listeners. OpenSSL, which Node uses, and Go heed them.
 */

const { asn1 } = forge
const { Class, Type } = asn1
const extensionId = '2.5.29.30'
const dnsName = 2
const ipAddress = 7

/** The critical extension that permits exactly these DNS names, what lies below them, and these IP addresses. */
export function nameConstraints(hosts: readonly string[]): Record<string, unknown> {
  const subtrees = hosts.map((host) => sequence([generalName(host)]))
  const permitted = asn1.create(Class.CONTEXT_SPECIFIC, 0, true, subtrees)
  return { id: extensionId, critical: true, value: asn1.toDer(sequence([permitted])).getBytes() }
}

/** True if the authority may sign for all of these hosts; one without constraints may sign for any. */
export function permits(authority: X509Certificate, hosts: readonly string[]): boolean {
  const extension = extensionsOf(authority).find(
    ([id]) => typeof id?.value === 'string' && asn1.derToOid(id.value) === extensionId,
  )
  const octets = extension?.at(-1)?.value
  if (typeof octets !== 'string') return true
  const [permitted] = children(asn1.fromDer(octets))
  const names = children(permitted).flatMap((subtree) => children(subtree)[0] ?? [])
  const valuesOf = (type: number) =>
    names.filter((name) => (name.type as number) === type).map(({ value }) => value)
  const [domains, addresses] = [valuesOf(dnsName), valuesOf(ipAddress)]
  return hosts.every((host) =>
    isIP(host)
      ? addresses.includes(constraintOf(host))
      : domains.some((domain) => host === domain || host.endsWith(`.${domain}`)),
  )
}

function generalName(host: string): forge.asn1.Asn1 {
  return isIP(host)
    ? asn1.create(Class.CONTEXT_SPECIFIC, ipAddress, false, constraintOf(host))
    : asn1.create(Class.CONTEXT_SPECIFIC, dnsName, false, host)
}

/** An address and a mask of all its bits, as octets. */
function constraintOf(address: string): string {
  const octets = bytesFromIP(address)
  if (!octets) throw new RangeError(`"${address}" is no IP address`)
  return octets + '\xff'.repeat(octets.length)
}

// The types leave it out; node-forge itself uses it for subject alternative names.
const { bytesFromIP } = forge.util as unknown as { bytesFromIP(address: string): string | null }

/** Of each extension its id, whether it is critical if that is said, and its octets. */
function extensionsOf(certificate: X509Certificate): forge.asn1.Asn1[][] {
  const [tbs] = children(asn1.fromDer(certificate.raw.toString('binary')))
  const tagged = children(tbs).find(
    ({ tagClass, type }) => tagClass === Class.CONTEXT_SPECIFIC && (type as number) === 3,
  )
  return children(children(tagged)[0]).map(children)
}

function sequence(values: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, values)
}
