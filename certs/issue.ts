import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import forge from 'node-forge'
import { nameConstraints } from './constraints.ts'
import { type CertificateContent, type IssuedPair, issueCertificate } from './x509.ts'

export type { IssuedPair } from './x509.ts'

const hour = 3_600_000
const day = 24 * hour

/** What an authority is issued by. */
export interface AuthorityRequest {
  commonName: string
  /** Milliseconds since the epoch. */
  now: number
  /** Default 365. */
  days?: number
  /** All it may sign for, DNS names and IP addresses; left out, it may sign for any. */
  permitted?: readonly string[]
}

/**
 * Issues a self-signed certificate authority (P-256). Valid from an hour before `now`, so that a verifier whose
 * clock is behind takes it at once.
 */
export function issueAuthority({ commonName, now, days = 365, permitted }: AuthorityRequest): IssuedPair {
  return issueCertificate({
    subject: nameOf(commonName, []),
    notBefore: now - hour,
    notAfter: now + days * day,
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ...(permitted ? [nameConstraints(permitted)] : []),
    ],
  })
}

export interface LeafRequest {
  authority: IssuedPair
  commonName: string
  /** DNS names and IP addresses it is for. */
  hosts: readonly string[]
  /** Milliseconds since the epoch. */
  now: number
  /** Default 30; cut so that the leaf ends an hour before its authority. */
  days?: number
  /** Default `serverAuth`. */
  usages?: readonly ('serverAuth' | 'clientAuth')[]
  /** What Kubernetes reads as groups in a client certificate. */
  organizations?: readonly string[]
}

/** Issues a certificate (P-256) for `hosts`, signed by `authority`. Valid from an hour before `now`. */
export function issueLeaf({
  authority,
  commonName,
  hosts,
  now,
  days = 30,
  usages = ['serverAuth'],
  organizations = [],
}: LeafRequest): IssuedPair {
  const authorityEnd = new X509Certificate(authority.certificate).validToDate.getTime()
  const content: CertificateContent = {
    subject: nameOf(commonName, organizations),
    notBefore: now - hour,
    notAfter: Math.min(now + days * day, authorityEnd - hour),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', ...Object.fromEntries(usages.map((usage) => [usage, true])) },
      ...(hosts.length > 0 ? [{ name: 'subjectAltName', altNames: hosts.map(altName) }] : []),
    ],
  }
  return issueCertificate(content, authority)
}

const dnsName = 2
const ipAddress = 7

function altName(host: string) {
  return isIP(host) ? { type: ipAddress, ip: host } : { type: dnsName, value: host }
}

function nameOf(commonName: string, organizations: readonly string[]): forge.pki.CertificateField[] {
  // The types call the tag a class; node-forge itself compares it with the UTF-8 type.
  const valueTagClass = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class
  return [
    ...organizations.map((value) => ({ name: 'organizationName', value, valueTagClass })),
    { name: 'commonName', value: commonName, valueTagClass },
  ]
}
