import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { toTimestamp } from '../clock.ts'
import { InputError } from '../errors.ts'

/** A serving certificate with its private key, checked to be usable together. */
export interface CertificatePair {
  /** PEM; the leaf first, then intermediates if any. */
  readonly certificate: string
  /** PEM. Never logged. */
  readonly key: string
  /** SHA-256 of the leaf, lower-case hex without colons. */
  readonly fingerprint: string
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

/**
 * Checks that key and certificate fit and that the certificate is valid at `now` (milliseconds).
 * A TLS server takes an RSA key with an EC certificate, or an expired certificate, without a word and then fails
 * every handshake; so nothing reaches a server unchecked. Throws `InputError` that names what is wrong, never the key.
 */
export function checkPair(certificate: string, key: string, now: number): CertificatePair {
  const leaf = parse('certificate', 'a PEM certificate', () => new X509Certificate(certificate))
  const privateKey = parse('key', 'a PEM private key', () => createPrivateKey(key))
  if (!leaf.checkPrivateKey(privateKey)) throw new InputError('key', 'must be the key of the certificate')
  const notBefore = leaf.validFromDate.getTime()
  const notAfter = leaf.validToDate.getTime()
  if (now < notBefore) throw new InputError('certificate', `is not valid before ${toTimestamp(notBefore)}`)
  if (now >= notAfter) throw new InputError('certificate', `expired at ${toTimestamp(notAfter)}`)
  parse('certificate', 'a chain that TLS accepts', () => createSecureContext({ cert: certificate, key }))
  return { certificate, key, fingerprint: fingerprintOf(leaf), notBefore, notAfter }
}

/**
 * Reads the two files. They may be of different generations if a volume is swapped in between; `checkPair` then
 * finds that they do not fit, and the next reading is right. Throws `InputError` if one cannot be read.
 */
export async function readPair(files: PairFiles): Promise<PairTexts> {
  const [certificate, key] = await Promise.all([readText(files.certFile), readText(files.keyFile)])
  return { certificate, key }
}

export interface PairFiles {
  certFile: string
  keyFile: string
}

export interface PairTexts {
  certificate: string
  key: string
}

/** SHA-256 of a certificate, lower-case hex without colons. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase()
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new InputError(file, 'must be a readable file', { cause: error })
  }
}

// OpenSSL's own message is kept out: it says nothing to an operator, and this one is sure not to quote the key.
function parse<T>(path: string, what: string, read: () => T): T {
  try {
    return read()
  } catch {
    throw new InputError(path, `must be ${what}`)
  }
}
