import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import forge from 'node-forge'

/** What a certificate says; times in milliseconds since the epoch. */
export interface CertificateContent {
  subject: readonly forge.pki.CertificateField[]
  notBefore: number
  notAfter: number
  /** As `node-forge` takes them; the key identifiers are added. */
  extensions: readonly Record<string, unknown>[]
}

/** A certificate and its private key, both PEM. */
export interface IssuedPair {
  certificate: string
  key: string
}

const ecdsaWithSha256 = '1.2.840.10045.4.3.2' // RFC 5758, section 3.2: the parameters are absent, not null
const { asn1 } = forge
const { Class, Type } = asn1

/**
 * Makes a P-256 key and a certificate for it, signed by `issuer` or by itself. node-forge knows only RSA keys in
 * certificates, so it builds the certificate around a placeholder key, and the places where the algorithm shows
 * (RFC 5280, section 4.1: signature, subjectPublicKeyInfo, signatureValue) are filled here with node's own crypto.
 */
export function issueCertificate(content: CertificateContent, issuer?: IssuedPair): IssuedPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = issuer ? new X509Certificate(issuer.certificate) : undefined
  const identifiers = [subjectKeyExtension(publicKey), authorityKeyExtension(signer?.publicKey ?? publicKey)]
  const tbs = toBeSigned({ ...content, extensions: [...content.extensions, ...identifiers] })
  tbs[2] = algorithm()
  if (signer) tbs[3] = subjectOf(signer)
  tbs[6] = asn1.fromDer(publicKey.export({ type: 'spki', format: 'der' }).toString('binary'))
  const signed = asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, tbs)
  const signature = sign('sha256', bytesOf(signed), issuer ? issuer.key : privateKey)
  const certificate = asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [
    signed,
    algorithm(),
    bitString(signature),
  ])
  return {
    certificate: new X509Certificate(bytesOf(certificate)).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** The fields of a TBSCertificate in their order: version, serial, algorithm, issuer, validity, subject, key, extensions. */
function toBeSigned({ subject, notBefore, notAfter, extensions }: CertificateContent): forge.asn1.Asn1[] {
  const draft = forge.pki.createCertificate()
  const one = new forge.jsbn.BigInteger('1')
  draft.publicKey = forge.pki.setRsaPublicKey(one, one)
  draft.siginfo.algorithmOid = draft.signatureOid = ecdsaWithSha256
  draft.serialNumber = randomSerial()
  draft.validity = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) }
  draft.setSubject([...subject])
  draft.setIssuer([...subject])
  draft.setExtensions([...extensions])
  return children(children(forge.pki.certificateToAsn1(draft))[0])
}

/** 128 random bits as a positive number: a first byte of 0x80 or more would make it negative. */
function randomSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01
  return bytes.toString('hex')
}

function algorithm(): forge.asn1.Asn1 {
  const oid = asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(ecdsaWithSha256).getBytes())
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [oid])
}

function subjectKeyExtension(key: KeyObject): Record<string, unknown> {
  const octets = asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, keyIdentifier(key))
  return { name: 'subjectKeyIdentifier', value: asn1.toDer(octets).getBytes() }
}

function authorityKeyExtension(key: KeyObject): Record<string, unknown> {
  return { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifier(key) }
}

/** 160 bits of SHA-256 over the whole public key info, one of the methods RFC 7093 allows. */
function keyIdentifier(key: KeyObject): string {
  const info = key.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(info).digest().subarray(0, 20).toString('binary')
}

// Taken as it stands, byte for byte: verifiers compare issuer and subject names in their encoding.
function subjectOf(certificate: X509Certificate): forge.asn1.Asn1 {
  const [tbs] = children(asn1.fromDer(certificate.raw.toString('binary')))
  const subject = children(tbs)[5]
  if (!subject) throw new Error('a certificate without a subject cannot issue others')
  return subject
}

function bitString(bytes: Buffer): forge.asn1.Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${bytes.toString('binary')}`)
}

/** What an ASN.1 node is made of; nothing if it is no list. */
export function children(node: forge.asn1.Asn1 | undefined): forge.asn1.Asn1[] {
  return Array.isArray(node?.value) ? node.value : []
}

function bytesOf(node: forge.asn1.Asn1): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'binary')
}
