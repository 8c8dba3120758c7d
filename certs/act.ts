import type { X509Certificate } from 'node:crypto'
import { type Clock, toTimestamp } from '../common/clock.ts'
import { counted } from '../common/counted.ts'
import { checkPair, fingerprintOf } from '../common/http/pair.ts'
import type { KubeClient } from '../common/kube/client.ts'
import type { EventRecorder } from '../common/kube/events.ts'
import { resources } from '../common/kube/resources.ts'
import type { Logger } from '../common/log.ts'
import { encode, type RecordChange, recordPatch } from './authority.ts'
import { type IssuedPair, issueAuthority, issueLeaf } from './issue.ts'
import { type LeafName, leafSecrets, authoritySecret as secretName } from './names.ts'
import type { Observed } from './observe.ts'
import type { Phase, Step } from './state.ts'
import { publishTo, versionOf } from './targets.ts'

export interface ActDeps {
  client: KubeClient
  clock: Clock
  log: Logger
  events: EventRecorder
  /** Asks every replica of a listener for its certificate; gives those that serve none of `authority`. */
  lagging: (leaf: LeafName, authority: X509Certificate, signal: AbortSignal) => Promise<string[]>
}

export interface ActOptions {
  namespace: string
  hosts: Readonly<Record<LeafName, readonly string[]>>
  caDays: number
  leafDays: number
}

export type Act = Exclude<Step, { do: 'wait' } | { do: 'done' }>

/**
 * Carries out one step on what was observed. Each is one write that fails with code `Conflict` if what it builds on
 * changed since, so that of two runs at once one does it and the other decides anew; only `publish` writes several
 * objects, each of which may stay undone.
 */
export async function act(
  deps: ActDeps,
  options: ActOptions,
  observed: Observed,
  step: Act,
  signal: AbortSignal,
): Promise<void> {
  const { record } = observed
  const now = deps.clock.now()
  const change = (what: RecordChange) => changeRecord(deps, options, observed, what, signal)
  switch (step.do) {
    case 'bootstrap':
      return change({
        ...begin('Steady', now),
        active: newAuthority(options, record.epoch, now),
        epoch: record.epoch + 1,
      })
    case 'prepare':
      return change({
        ...begin('Publish', now),
        next: newAuthority(options, record.epoch, now),
        epoch: record.epoch + 1,
      })
    case 'enter':
      return change({ ...begin(step.phase, now), ...(step.phase === 'Confirm' && unconfirmed) })
    case 'publish':
      return publish(deps, observed, signal)
    case 'issue':
      return issue(deps, options, observed, step, signal)
    case 'promote':
      return change({ ...begin('Confirm', now), ...promoted(observed), ...unconfirmed })
    case 'confirm':
      return change(await confirmed(deps, observed, now, signal))
    case 'retire':
      return change({ ...begin('Steady', now), retired: [], ...unconfirmed })
  }
}

const unconfirmed = { confirmations: 0, confirmedAt: null }

function begin(phase: Phase, now: number): { phase: Phase; since: number } {
  return { phase, since: now }
}

function newAuthority({ caDays, hosts }: ActOptions, epoch: number, now: number): IssuedPair {
  // A name of its own for each: verifiers that find authorities by name never try the wrong key.
  const commonName = `vpsie-autoscaler authority ${epoch + 1}`
  return issueAuthority({ commonName, now, days: caDays, permitted: Object.values(hosts).flat() })
}

function promoted({ record: { active, next, retired } }: Observed): RecordChange {
  if (!next) throw new Error('there is no next authority to promote')
  return { active: next, next: null, retired: active ? [active.parsed, ...retired] : retired }
}

async function changeRecord(
  { client, log, events }: ActDeps,
  { namespace }: ActOptions,
  observed: Observed,
  change: RecordChange,
  signal: AbortSignal,
): Promise<void> {
  const name = { namespace, name: secretName }
  const precondition = versionOf(observed.authoritySecret.metadata)
  await client.patch(resources.secrets, name, recordPatch(change), precondition, signal)
  const { phase = observed.record.phase } = change
  const { phase: before } = observed.record
  if (phase === before) return
  log.info('rotation phase', { phase, before })
  events.record(
    observed.authoritySecret,
    'Normal',
    'Rotation',
    `The rotation of the authority went from ${before} to ${phase}`,
  )
}

async function publish({ log }: ActDeps, { targets, trust }: Observed, signal: AbortSignal): Promise<void> {
  for (const target of targets) {
    if (await publishTo(target, trust, signal)) {
      log.info('bundle published', { target: target.name, authorities: trust.required.map(fingerprintOf) })
    }
  }
}

async function issue(
  { client, clock, log, events }: ActDeps,
  { namespace, hosts, leafDays }: ActOptions,
  { record, leafSecrets: secrets }: Observed,
  { leaf, by }: Extract<Step, { do: 'issue' }>,
  signal: AbortSignal,
): Promise<void> {
  const authority = record[by]
  if (!authority) throw new Error(`there is no ${by} authority to issue by`)
  const now = clock.now()
  const [commonName = leaf] = hosts[leaf]
  const pair = issueLeaf({ authority, commonName, hosts: hosts[leaf], now, days: leafDays })
  const { fingerprint, notAfter } = checkPair(pair.certificate, pair.key, now)
  const data = { 'tls.crt': encode(pair.certificate), 'tls.key': encode(pair.key) }
  const name = { namespace, name: leafSecrets[leaf] }
  await client.patch(resources.secrets, name, { data }, versionOf(secrets[leaf].metadata), signal)
  const until = toTimestamp(notAfter)
  log.info('certificate issued', { leaf, by, fingerprint, notAfter: until })
  events.record(
    secrets[leaf],
    'Normal',
    'CertificateIssued',
    `A certificate of the ${by} authority, good until ${until}`,
  )
}

async function confirmed(
  deps: ActDeps,
  { record, authoritySecret }: Observed,
  now: number,
  signal: AbortSignal,
): Promise<RecordChange> {
  const authority = record.active?.parsed
  if (!authority) throw new Error('there is no active authority to confirm')
  const lagging = (
    await Promise.all([deps.lagging('webhook', authority, signal), deps.lagging('ingest', authority, signal)])
  ).flat()
  if (lagging.length === 0) return { confirmations: record.confirmations + 1, confirmedAt: now }
  deps.log.warn('replicas serve an old certificate or none', {
    replicas: lagging.slice(0, 20),
    count: lagging.length,
  })
  const some = lagging.slice(0, 5).join(', ')
  const told = `${counted(lagging.length, 'replica')} with an old certificate or none: ${some}; the old authority stays trusted`
  deps.events.record(authoritySecret, 'Warning', 'ReplicasLag', told)
  const back = record.phase === 'Confirm' ? {} : begin('Confirm', now)
  return { ...back, confirmations: 0, confirmedAt: now }
}
