import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { fromTimestamp, toTimestamp } from '../common/clock.ts'
import type { Secret } from '../common/kube/objects.ts'
import { formatBundle, parseBundle, parseCertificate } from './bundle.ts'
import type { IssuedPair } from './issue.ts'
import { authorityKeys as keys, rotationAnnotations as names } from './names.ts'
import { type Phase, phases } from './state.ts'

/** An authority that can sign. */
export interface Authority extends IssuedPair {
  parsed: X509Certificate
}

/** What the authority Secret says: the authorities and where their rotation stands. */
export interface AuthorityRecord {
  phase: Phase
  since: number
  confirmations: number
  confirmedAt?: number
  epoch: number
  active?: Authority
  next?: Authority
  retired: readonly X509Certificate[]
}

/** Reads the Secret. An authority whose key is missing or does not fit counts as absent: it can sign nothing. */
export function readRecord({ metadata, data = {} }: Secret): AuthorityRecord {
  const { annotations = {} } = metadata
  const active = readAuthority(data, keys.activeCertificate, keys.activeKey)
  const next = readAuthority(data, keys.nextCertificate, keys.nextKey)
  const confirmedAt = fromTimestamp(annotations[names.confirmedAt])
  return {
    phase: phases.find((phase) => phase === annotations[names.phase]) ?? 'Steady',
    since: fromTimestamp(annotations[names.since]) ?? 0,
    confirmations: count(annotations[names.confirmations]),
    epoch: count(annotations[names.epoch]),
    retired: parseBundle(decode(data[keys.retired])),
    ...(confirmedAt !== undefined && { confirmedAt }),
    ...(active && { active }),
    ...(next && { next }),
  }
}

/** What a step changes in the record; null takes a field away. */
export type RecordChange = Partial<Omit<AuthorityRecord, 'active' | 'next' | 'confirmedAt'>> & {
  active?: IssuedPair
  next?: IssuedPair | null
  confirmedAt?: number | null
}

/** The merge patch of the Secret for a change. Whoever changes the phase says since when. */
export function recordPatch({ active, next, retired, ...standing }: RecordChange): object {
  const { phase, since, confirmations, confirmedAt, epoch } = standing
  return {
    metadata: {
      annotations: {
        [names.phase]: phase,
        [names.since]: since === undefined ? undefined : toTimestamp(since),
        [names.confirmations]: confirmations?.toString(),
        [names.confirmedAt]: typeof confirmedAt === 'number' ? toTimestamp(confirmedAt) : confirmedAt,
        [names.epoch]: epoch?.toString(),
      },
    },
    data: {
      ...(active && pairData(active, keys.activeCertificate, keys.activeKey)),
      ...(next !== undefined && pairData(next, keys.nextCertificate, keys.nextKey)),
      ...(retired && { [keys.retired]: retired.length > 0 ? encode(formatBundle(retired)) : null }),
    },
  }
}

/** Text of a Secret's value; empty if there is none. */
export function decode(value: string | undefined): string {
  return Buffer.from(value ?? '', 'base64').toString()
}

/** A Secret's value of a text. */
export function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

function pairData(pair: IssuedPair | null, certificateKey: string, keyKey: string): object {
  return { [certificateKey]: pair && encode(pair.certificate), [keyKey]: pair && encode(pair.key) }
}

function readAuthority(
  data: Record<string, string>,
  certificateKey: string,
  keyKey: string,
): Authority | undefined {
  const [certificate, key] = [decode(data[certificateKey]), decode(data[keyKey])]
  const [parsed, privateKey] = [parseCertificate(certificate), parseKey(key)]
  return parsed && privateKey && parsed.checkPrivateKey(privateKey) ? { certificate, key, parsed } : undefined
}

/** A private key of a PEM text, undefined if it holds none that can be read. */
export function parseKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text)
  } catch {
    return undefined
  }
}

function count(text: string | undefined): number {
  return /^\d{1,9}$/.test(text ?? '') ? Number(text) : 0
}
