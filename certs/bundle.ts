import { X509Certificate } from 'node:crypto'
import { fingerprintOf } from '../common/http/pair.ts'

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/** The certificates of a PEM text in their order, each once. What is no certificate is left out. */
export function parseBundle(text: string): X509Certificate[] {
  const certificates = new Map<string, X509Certificate>()
  for (const [block] of text.matchAll(pemBlock)) {
    const certificate = parseCertificate(block)
    if (certificate) certificates.set(fingerprintOf(certificate), certificate)
  }
  return [...certificates.values()]
}

/** A certificate of a PEM text, undefined if it holds none that can be read. */
export function parseCertificate(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text)
  } catch {
    return undefined
  }
}

/** PEM of certificates, one after the other. */
export function formatBundle(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('')
}

/** What a bundle should hold. */
export interface Trust {
  /** Authorities that must be in it, the newest first. */
  required: readonly X509Certificate[]
  /** Others in it that stay: during a rotation all, else those that something served still needs. */
  keeps: (certificate: X509Certificate) => boolean
  now: number
}

/** The bundle that should stand where `live` is: expired authorities are no use to anyone and are dropped. */
export function wantedBundle(
  live: readonly X509Certificate[],
  { required, keeps, now }: Trust,
): X509Certificate[] {
  const own = new Set(required.map(fingerprintOf))
  const others = live.filter((certificate) => !own.has(fingerprintOf(certificate)) && keeps(certificate))
  return [...required, ...others].filter((certificate) => now < certificate.validToDate.getTime())
}

/** True if two bundles hold the same authorities; their order means nothing. */
export function sameBundle(a: readonly X509Certificate[], b: readonly X509Certificate[]): boolean {
  const fingerprints = new Set(a.map(fingerprintOf))
  return a.length === b.length && b.every((certificate) => fingerprints.has(fingerprintOf(certificate)))
}

/** True if `authority` signed `certificate`. */
export function isSignedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}
