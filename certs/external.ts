import type { X509Certificate } from 'node:crypto'
import type { Clock } from '../common/clock.ts'
import type { KubeClient } from '../common/kube/client.ts'
import type { EventRecorder } from '../common/kube/events.ts'
import type { Logger } from '../common/log.ts'
import { decode } from './authority.ts'
import { isSignedBy, parseBundle, type Trust } from './bundle.ts'
import { type LeafName, leafNames, leafSecrets } from './names.ts'
import { type Observed, type ObserveOptions, observe } from './observe.ts'
import { publishTo } from './targets.ts'

interface Deps {
  client: KubeClient
  clock: Clock
  log: Logger
  events: EventRecorder
}

/**
 * The job's part where somebody else makes the certificates, as cert-manager does: it signs nothing and deletes
 * nothing. The authorities in the `ca.crt` of the serving Secrets are added to every bundle, and stay there as long
 * as a served certificate is theirs; a Secret that could not be served, or that nobody would trust, is told.
 * Gives the exit code: 1 if something is wrong.
 */
export async function publishExternal(
  deps: Deps,
  options: ObserveOptions,
  signal: AbortSignal,
): Promise<number> {
  const now = deps.clock.now()
  const observed = await observe(deps, options, now, signal)
  const served = leafNames.flatMap((name) => observed.leaves[name] ?? [])
  const required = leafNames
    .flatMap((name) => authoritiesOf(observed, name))
    .filter((one) => isValid(one, now))
  // Bundles that somebody else keeps, as cainjector does, are not ours to shorten.
  const keeps = (one: X509Certificate) =>
    required.length === 0 || served.some((leaf) => isSignedBy(leaf, one))
  const trust: Trust = { required: unique(required), keeps, now }
  for (const target of observed.targets) {
    if (await publishTo(target, trust, signal)) deps.log.info('bundle published', { target: target.name })
  }
  const problems = leafNames.flatMap((name) => problemOf(observed, name, trust, now))
  for (const { name, problem } of problems) {
    deps.log.error('certificate cannot be served', { secret: leafSecrets[name], problem })
    deps.events.record(observed.leafSecrets[name], 'Warning', 'CertificateUnusable', problem)
  }
  return problems.length > 0 ? 1 : 0
}

function authoritiesOf({ leafSecrets: secrets }: Observed, name: LeafName): X509Certificate[] {
  return parseBundle(decode(secrets[name].data?.['ca.crt']))
}

function isValid(certificate: X509Certificate, now: number): boolean {
  return now >= certificate.validFromDate.getTime() && now < certificate.validToDate.getTime()
}

function unique(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((one) => [one.fingerprint256, one])).values()]
}

function problemOf(
  { leaves, state, targets }: Observed,
  name: LeafName,
  { required }: Trust,
  now: number,
): { name: LeafName; problem: string }[] {
  const leaf = leaves[name]
  const told = (problem: string) => [{ name, problem }]
  if (!leaf) return told('tls.crt and tls.key are no pair')
  if (!isValid(leaf, now)) return told(`tls.crt is valid from ${leaf.validFrom} to ${leaf.validTo}`)
  if (!state.leaves[name]?.hostsRight) return told(`tls.crt is for ${leaf.subjectAltName ?? 'no name'}`)
  const trusted = [...required, ...targets.flatMap(({ bundles }) => bundles.flat())]
  return trusted.some((one) => isSignedBy(leaf, one)) ? [] : told('no published authority has signed tls.crt')
}
