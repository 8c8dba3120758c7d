import { identitiesOf } from '../../common/api/ownership.ts'
import type { Machine, MachineHint } from '../vpsie/provider.ts'
import type { Baseline } from './baseline.ts'

/** A claim whose machine has been ordered and is not known yet. Times in milliseconds since the epoch. */
export interface WaitingClaim {
  /** `namespace/name` of the VPSieNode. */
  key: string
  requestedAt: number
  /** True if the claim is being deleted, so that its machine is only wanted to be deleted. */
  leaving: boolean
  /** True if VPSie has said that it makes the machine. */
  accepted: boolean
  /** The machines that existed when the order was written down. */
  baseline: Pick<Baseline, 'has'>
  /** VPSie's number of the ordered size and of the pool it was ordered in. */
  sizeID: number | undefined
  poolID: number | undefined
  /** What the order's reply told of the machine. */
  hint: MachineHint
}

export interface Adoption {
  key: string
  machine: Machine
}

// The baseline excludes what existed before, whatever the clocks say. This is for a list that was not whole, and
// wide because VPSie's clock and ours may differ.
const clockSkewMs = 3_600_000

/**
 * Which waiting claim gets which machine of a cluster's list. A machine is taken only if no claim owns it, no open
 * order saw it before, it is a worker, not on its way out, and of the ordered size. An identity that the order's
 * reply handed back goes before everything else; then come the claims that stay, since one that leaves and whose own
 * machine never came would else take away a new one each time; then the orders that VPSie accepted, the oldest first.
 */
export function adopt(
  claims: readonly WaitingClaim[],
  machines: readonly Machine[],
  owned: ReadonlySet<string>,
): Adoption[] {
  const free = machines.filter((machine) => isFree(machine, owned, claims)).sort(byAge)
  const adoptions: Adoption[] = []
  for (const claim of [...claims].sort(byClaim)) {
    const rivals = claims.filter((other) => other !== claim)
    const sure = free.findIndex((machine) => matches(claim.hint, machine) === true)
    const at = sure >= 0 ? sure : free.findIndex((machine) => couldBe(claim, machine, rivals))
    const [machine] = at < 0 ? [] : free.splice(at, 1)
    if (machine) adoptions.push({ key: claim.key, machine })
  }
  return adoptions
}

function byClaim(a: WaitingClaim, b: WaitingClaim): number {
  return (
    Number(isHinted(b)) - Number(isHinted(a)) ||
    Number(a.leaving) - Number(b.leaving) ||
    Number(b.accepted) - Number(a.accepted) ||
    a.requestedAt - b.requestedAt ||
    (a.key < b.key ? -1 : 1)
  )
}

function isHinted({ hint }: WaitingClaim): boolean {
  return identitiesOf(hint).length > 0
}

function isFree(machine: Machine, owned: ReadonlySet<string>, claims: readonly WaitingClaim[]): boolean {
  if (machine.role === 'controlPlane' || /delet|terminat|remov/i.test(machine.status ?? '')) return false
  return identitiesOf(machine).every(
    (identity) => !owned.has(identity) && !claims.some(({ baseline }) => baseline.has(identity)),
  )
}

/** Whether a reply spoke of this machine; undefined if the list shows no identity of a kind that the reply told. */
function matches(hint: MachineHint, machine: Machine): boolean | undefined {
  const kinds = (['uuid', 'numericID', 'hostname'] as const).filter(
    (kind) => hint[kind] !== undefined && machine[kind] !== undefined,
  )
  if (kinds.length === 0) return undefined
  return kinds.some((kind) => String(hint[kind]).toLowerCase() === String(machine[kind]).toLowerCase())
}

function couldBe(claim: WaitingClaim, machine: Machine, rivals: readonly WaitingClaim[]): boolean {
  if (matches(claim.hint, machine) === false) return false
  if (rivals.some(({ hint }) => matches(hint, machine) === true)) return false
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
