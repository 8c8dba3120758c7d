import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { fingerprintOf } from '../common/http/pair.ts'
import type { KubeClient, ObjectName } from '../common/kube/client.ts'
import type { Secret } from '../common/kube/objects.ts'
import { resources } from '../common/kube/resources.ts'
import { type AuthorityRecord, decode, parseKey, readRecord } from './authority.ts'
import { isSignedBy, parseCertificate, type Trust } from './bundle.ts'
import { permits } from './constraints.ts'
import { authoritySecret, type LeafName, leafNames, leafSecrets } from './names.ts'
import type { AuthorityFacts, LeafFacts, RotationState } from './state.ts'
import { isServed, readTargets, type Target } from './targets.ts'

export interface ObserveOptions {
  namespace: string
  hosts: Readonly<Record<LeafName, readonly string[]>>
}

/** Everything read at one time: what the step is decided by, and what it is carried out on. */
export interface Observed {
  state: RotationState
  authoritySecret: Secret
  record: AuthorityRecord
  leafSecrets: Readonly<Record<LeafName, Secret>>
  /** The certificates in the leaf Secrets, where there is a usable pair. */
  leaves: Readonly<Record<LeafName, X509Certificate | undefined>>
  targets: readonly Target[]
  trust: Trust
}

/** Reads Secrets and bundles from the API, never from a cache. Code `NotFound` if a Secret does not exist. */
export async function observe(
  { client }: { client: KubeClient },
  { namespace, hosts }: ObserveOptions,
  now: number,
  signal: AbortSignal,
): Promise<Observed> {
  const read = (name: string) =>
    client.get(resources.secrets, { namespace, name } satisfies ObjectName, signal)
  const [authority, webhook, ingest, targets] = await Promise.all([
    read(authoritySecret),
    read(leafSecrets.webhook),
    read(leafSecrets.ingest),
    readTargets({ client }, namespace, signal),
  ])
  const secrets = { webhook, ingest }
  const record = readRecord(authority)
  const leaves = { webhook: readLeaf(webhook), ingest: readLeaf(ingest) }
  const trust = trustOf(record, Object.values(leaves), now)
  const state = stateOf(record, leaves, hosts, { targets, trust })
  return { state, authoritySecret: authority, record, leafSecrets: secrets, leaves, targets, trust }
}

/**
 * During a rotation nothing is taken out of a bundle. Outside one, an authority of somebody else stays as long as a
 * serving certificate was signed by it: the Secret of the authority may have been deleted and made anew.
 */
function trustOf(
  record: AuthorityRecord,
  leaves: readonly (X509Certificate | undefined)[],
  now: number,
): Trust {
  const { next, active, retired, phase } = record
  const own = [next?.parsed, active?.parsed, ...retired].filter((certificate) => certificate !== undefined)
  const required = [...new Map(own.map((certificate) => [fingerprintOf(certificate), certificate])).values()]
  const isNeeded = (authority: X509Certificate) => leaves.some((leaf) => leaf && isSignedBy(leaf, authority))
  return { required, keeps: phase === 'Steady' ? isNeeded : () => true, now }
}

function stateOf(
  record: AuthorityRecord,
  leaves: Observed['leaves'],
  hosts: ObserveOptions['hosts'],
  { targets, trust }: Pick<Observed, 'targets' | 'trust'>,
): RotationState {
  const { phase, since, confirmations, confirmedAt, active, next, retired } = record
  const lives = targets.flatMap(({ bundles }) => bundles.flat())
  const wanted = Object.values(hosts).flat()
  const authorityFacts = (one: X509Certificate) => ({ ...factsOf(one), permits: permits(one, wanted) })
  return {
    phase,
    since,
    confirmations,
    ...(confirmedAt !== undefined && { confirmedAt }),
    ...(active && { active: authorityFacts(active.parsed) }),
    ...(next && { next: authorityFacts(next.parsed) }),
    retired: retired.map(authorityFacts),
    published: targets.every((target) => isServed(target, trust, phase === 'Steady')),
    trustExists: lives.some((authority) => trust.now < authority.validToDate.getTime()),
    leaves: Object.fromEntries(
      leafNames.map((name) => [name, leafFactsOf(leaves[name], trust.required, hosts[name])]),
    ) as RotationState['leaves'], // one entry for each name
  }
}

/** How long a certificate is valid, in milliseconds since the epoch, and which one it is. */
export function factsOf(certificate: X509Certificate): Omit<AuthorityFacts, 'permits'> {
  return {
    fingerprint: fingerprintOf(certificate),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  }
}

function leafFactsOf(
  leaf: X509Certificate | undefined,
  authorities: readonly X509Certificate[],
  hosts: readonly string[],
): LeafFacts | undefined {
  if (!leaf) return undefined
  const issuer = authorities.find((authority) => isSignedBy(leaf, authority))
  const { notBefore, notAfter } = factsOf(leaf)
  return {
    notBefore,
    notAfter,
    hostsRight: isFor(leaf, hosts),
    ...(issuer && { issuer: fingerprintOf(issuer) }),
  }
}

// Asked rather than compared as text: an IPv6 address is written in several ways.
function isFor(leaf: X509Certificate, hosts: readonly string[]): boolean {
  const names = (leaf.subjectAltName ?? '').split(', ').filter((name) => name !== '')
  const covers = (host: string) => (isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host)) !== undefined
  return names.length === hosts.length && hosts.every(covers)
}

/** The certificate of a leaf Secret, if its key fits it. */
function readLeaf({ data = {} }: Secret): X509Certificate | undefined {
  const certificate = parseCertificate(decode(data['tls.crt']))
  const key = parseKey(decode(data['tls.key']))
  return certificate && key && certificate.checkPrivateKey(key) ? certificate : undefined
}
