import type { X509Certificate } from 'node:crypto'
import { toTimestamp } from '../common/clock.ts'
import { formatDuration } from '../common/duration.ts'
import { leafNames, leafSecrets } from './names.ts'
import { factsOf, type Observed } from './observe.ts'
import type { Phase, RotationTimes, Step } from './state.ts'
import { isDue, nextStep } from './step.ts'

export interface CertificateRow {
  name: string
  state: 'Valid' | 'RenewalDue' | 'Expired' | 'Missing'
  /** RFC 3339. */
  issued?: string
  /** RFC 3339. */
  expires?: string
  /** Common name of the authority that signed it. */
  issuer?: string
  fingerprint?: string
}

/** The output of `status -o json`. */
export interface StatusReport {
  /** RFC 3339. */
  at: string
  phase: Phase
  /** RFC 3339; absent before the first rotation. */
  since?: string
  /** Every bundle holds what it should. */
  published: boolean
  targets: string[]
  next: Step
  certificates: CertificateRow[]
}

/** What there is, how long it lasts and what would be done next. `now` in milliseconds. */
export function reportOf(observed: Observed, times: RotationTimes, now: number): StatusReport {
  const { record, state, leaves, targets } = observed
  const authorities: [string, X509Certificate | undefined][] = [
    ['authority (active)', record.active?.parsed],
    ...(record.next ? [['authority (next)', record.next.parsed] satisfies [string, X509Certificate]] : []),
    ...record.retired.map((retired): [string, X509Certificate] => ['authority (retired)', retired]),
  ]
  const served = leafNames.map((leaf): [string, X509Certificate | undefined] => [
    leafSecrets[leaf],
    leaves[leaf],
  ])
  return {
    at: toTimestamp(now),
    phase: state.phase,
    ...(state.since > 0 && { since: toTimestamp(state.since) }),
    published: state.published,
    targets: targets.map(({ name }) => name),
    next: nextStep(state, now, times),
    certificates: [...authorities, ...served].map(([name, certificate]) => rowOf(name, certificate, now)),
  }
}

/** True if something that should be valid is not. A retired authority may expire. */
export function isBroken({ certificates }: StatusReport): boolean {
  return certificates.some(
    ({ name, state }) => name !== 'authority (retired)' && (state === 'Expired' || state === 'Missing'),
  )
}

/** The report as a table for people. `now` in milliseconds. */
export function formatReport(report: StatusReport, now: number): string {
  const rows = report.certificates.map(({ name, state, issued, expires, issuer }) => [
    name,
    state,
    issued ? ageOf(now - Date.parse(issued)) : '-',
    expires ? ageOf(Date.parse(expires) - now) : '-',
    issuer ?? '-',
  ])
  const table = [['CERTIFICATE', 'STATE', 'AGE', 'LEFT', 'ISSUER'], ...rows]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const lines = table.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const { phase, since, published, next } = report
  const step = next.do === 'wait' ? `wait until ${toTimestamp(next.until)}: ${next.reason}` : next.do
  lines.push('', `Rotation: ${phase}${since ? ` since ${since}` : ''}`)
  lines.push(
    `Bundles: ${published ? 'complete' : 'incomplete'} (${report.targets.join(', ') || 'none found'})`,
  )
  lines.push(`Next step: ${step}`, '')
  return lines.join('\n')
}

function rowOf(name: string, certificate: X509Certificate | undefined, now: number): CertificateRow {
  if (!certificate) return { name, state: 'Missing' }
  const { notBefore, notAfter, fingerprint } = factsOf(certificate)
  const state = now >= notAfter ? 'Expired' : isDue({ notBefore, notAfter }, now) ? 'RenewalDue' : 'Valid'
  const issuer = /CN=(.*)/.exec(certificate.issuer)?.[1]
  const times = { issued: toTimestamp(notBefore), expires: toTimestamp(notAfter) }
  return { name, state, ...times, fingerprint, ...(issuer !== undefined && { issuer }) }
}

function ageOf(ms: number): string {
  const day = 86_400_000
  if (Math.abs(ms) >= 2 * day) return `${Math.trunc(ms / day)}d`
  return ms < 0 ? `-${formatDuration(-ms)}` : formatDuration(ms)
}
