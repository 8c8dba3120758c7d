import { identitiesOf } from '../../common/api/ownership.ts'
import type { Machine } from '../vpsie/provider.ts'

/** A claim whose machine has been ordered and is not known yet. Times in milliseconds since the epoch. */
export interface WaitingClaim {
  /** `namespace/name` of the VPSieNode. */
  key: string
  requestedAt: number
  /** Identities of the machines that existed when the order was written down. */
  baseline: ReadonlySet<string>
  /** VPSie's number of the ordered size and of the pool it was ordered in. */
  sizeID: number | undefined
  poolID: number | undefined
  /** Identities that the order's reply handed back, if any. */
  hints: ReadonlySet<string>
}

export interface Adoption {
  key: string
  machine: Machine
}

// VPSie's clock and ours may differ; a machine "created" a little before the order can still be its result,
// because the baseline already excludes everything that really existed before.
const clockSkewMs = 120_000

/**
 * Which waiting claim gets which machine of a cluster's list. A machine is taken only if no claim owns it, no open
 * order saw it before, it is a worker created after the order and of the ordered size; the oldest order is served
 * first. An identity that the order's reply handed back goes before everything else.
 */
export function adopt(
  claims: readonly WaitingClaim[],
  machines: readonly Machine[],
  owned: ReadonlySet<string>,
): Adoption[] {
  const known = new Set(claims.flatMap((claim) => [...claim.baseline]))
  const free = machines.filter((machine) => isFree(machine, owned, known)).sort(byAge)
  const oldestFirst = [...claims].sort((a, b) => a.requestedAt - b.requestedAt || (a.key < b.key ? -1 : 1))
  const hinted = oldestFirst.filter((claim) => claim.hints.size > 0)
  const adoptions: Adoption[] = []
  for (const claim of [...hinted, ...oldestFirst.filter((claim) => claim.hints.size === 0)]) {
    const at = free.findIndex((machine) => couldBe(claim, machine, hinted))
    const [machine] = at < 0 ? [] : free.splice(at, 1)
    if (machine) adoptions.push({ key: claim.key, machine })
  }
  return adoptions
}

function isFree(machine: Machine, owned: ReadonlySet<string>, known: ReadonlySet<string>): boolean {
  if (machine.role === 'controlPlane') return false
  return identitiesOf(machine).every((identity) => !owned.has(identity) && !known.has(identity))
}

function couldBe(claim: WaitingClaim, machine: Machine, hinted: readonly WaitingClaim[]): boolean {
  const identities = identitiesOf(machine)
  if (claim.hints.size > 0) return identities.some((identity) => claim.hints.has(identity))
  if (hinted.some((other) => identities.some((identity) => other.hints.has(identity)))) return false
  if (machine.createdAt !== undefined && machine.createdAt < claim.requestedAt - clockSkewMs) return false
  if (differs(machine.sizeID, claim.sizeID)) return false
  return !differs(machine.poolID, claim.poolID)
}

// An unknown value agrees with everything: some dialects' rows show neither size nor pool.
function differs(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b
}

function byAge(a: Machine, b: Machine): number {
  return (a.createdAt ?? 0) - (b.createdAt ?? 0) || (a.identity < b.identity ? -1 : 1)
}
