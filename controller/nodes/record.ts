import { annotations } from '../../common/api/names.ts'
import { identitiesOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import type { MachineHint } from '../vpsie/provider.ts'
import { type Baseline, readBaseline } from './baseline.ts'

/**
 * What a claim remembers about the machine that was ordered for it. It lives in annotations, so that any later
 * leader knows exactly as much as the one that sent the order.
 */
export interface Order {
  /** When the order was written down, just before it was sent; milliseconds since the epoch. */
  requestedAt: number
  attempt: number
  /** The machines that existed then. */
  baseline: Baseline
  /** True once VPSie has answered that the machine is being made. */
  accepted: boolean
  /** What the answer told of the machine. */
  hint: MachineHint
  /** Since when lists have shown no machine this order could have made. */
  absentSince: number | undefined
}

/** Reads the order of a claim; undefined if none has been written down. */
export function readOrder(claim: VPSieNode): Order | undefined {
  const notes = claim.metadata.annotations ?? {}
  const requestedAt = fromTimestamp(notes[annotations.requestedAt])
  if (requestedAt === undefined) return undefined
  return {
    requestedAt,
    attempt: Number(notes[annotations.addAttempt] ?? 1),
    baseline: readBaseline(notes[annotations.baseline]),
    accepted: notes[annotations.addAccepted] !== undefined,
    hint: readHint(notes[annotations.addAccepted]),
    absentSince: fromTimestamp(notes[annotations.absentSince]),
  }
}

/** The annotations that write an order down, before it is sent. */
export function orderNotes(
  order: Pick<Order, 'requestedAt' | 'attempt' | 'baseline'>,
): Record<string, string | null> {
  return {
    [annotations.requestedAt]: toTimestamp(order.requestedAt),
    [annotations.addAttempt]: String(order.attempt),
    [annotations.baseline]: order.baseline.text,
    [annotations.addAccepted]: null,
    [annotations.absentSince]: null,
  }
}

/** The annotations that record VPSie's acceptance and whatever identity came with it. */
export function acceptedNotes(hint: MachineHint): Record<string, string> {
  const { uuid, numericID, hostname } = hint
  const told = { uuid, id: numericID, name: hostname }
  const parts = Object.entries(told).flatMap(([kind, value]) =>
    value === undefined ? [] : [`${kind}=${value}`],
  )
  return { [annotations.addAccepted]: parts.join(',') }
}

/** The annotations that take an order back which certainly made nothing; the attempt count stays. */
export const clearedOrderNotes: Readonly<Record<string, null>> = {
  [annotations.requestedAt]: null,
  [annotations.baseline]: null,
  [annotations.addAccepted]: null,
  [annotations.absentSince]: null,
}

/** The note that the machine was missing from a list at `at`, or that it is there again. */
export function absentNotes(at: number | undefined): Record<string, string | null> {
  return { [annotations.absentSince]: at === undefined ? null : toTimestamp(at) }
}

/** True once the claim's machine is known by any identity. */
export function hasMachine(claim: VPSieNode): boolean {
  return identitiesOfClaim(claim).length > 0
}

function readHint(text: string | undefined): MachineHint {
  const told = new Map(
    (text ?? '')
      .split(',')
      .map((part): [string, string] => [part.split('=', 1)[0] ?? '', part.replace(/^[^=]*=/, '')]),
  )
  const uuid = told.get('uuid')
  const id = told.get('id')
  const hostname = told.get('name')
  return {
    ...(uuid ? { uuid } : {}),
    ...(id ? { numericID: Number(id) } : {}),
    ...(hostname ? { hostname } : {}),
  }
}
