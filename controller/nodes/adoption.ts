import { annotations } from '../../common/api/names.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { ControllerDeps } from '../deps.ts'
import type { Machine } from '../vpsie/provider.ts'
import { forgetRefusals } from './backoff.ts'
import { patchClaim } from './claims.ts'
import { becomeProvisioned } from './join.ts'
import { readOrder } from './record.ts'

type AdoptionDeps = Parameters<typeof becomeProvisioned>[0]

/**
 * Writes a machine's identity on the claim that ordered it. From here on the claim is the machine's owner. An
 * identifier that only the order's reply told is kept, since a deletion needs one.
 */
export async function adoptMachine(
  deps: AdoptionDeps,
  claim: VPSieNode,
  machine: Machine,
  signal: AbortSignal,
): Promise<VPSieNode> {
  const [ipAddress] = machine.addresses
  const uuid = machine.uuid ?? readOrder(claim)?.hint.uuid
  const { numericID, hostname, status } = machine
  const spec = {
    ...(uuid ? { vpsieNodeIdentifier: uuid } : {}),
    ...(numericID === undefined ? {} : { vpsieInstanceID: numericID }),
    ...(ipAddress ? { ipAddress } : {}),
  }
  const notes = { [annotations.absentSince]: null, [annotations.baseline]: null }
  const owned = await patchClaim(deps, claim, { metadata: { annotations: notes }, spec }, undefined, signal)
  tellWrongPool(deps, claim, machine)
  await forgetRefusals(deps, claim, signal)
  if (claim.metadata.deletionTimestamp === undefined) {
    return becomeProvisioned(deps, owned, signal, {
      ...(hostname ? { hostname } : {}),
      ...(status ? { status } : {}),
    })
  }
  return hostname
    ? patchClaim(
        deps,
        owned,
        { status: { phase: claim.status?.phase ?? 'Terminating', hostname } },
        'status',
        signal,
      )
    : owned
}

/** Fills in what a later list tells of a claim's machine and an earlier one did not; undefined if there is nothing. */
export function missingIdentity(
  { spec, status }: VPSieNode,
  machine: Machine,
): { spec: object; status: object } | undefined {
  const { uuid, numericID, hostname, addresses } = machine
  const [ipAddress] = addresses
  const found = {
    ...(uuid && !spec.vpsieNodeIdentifier ? { vpsieNodeIdentifier: uuid } : {}),
    ...(numericID !== undefined && !spec.vpsieInstanceID ? { vpsieInstanceID: numericID } : {}),
    ...(ipAddress && !spec.ipAddress ? { ipAddress } : {}),
  }
  const named = hostname && !status?.hostname ? { hostname } : {}
  return Object.keys({ ...found, ...named }).length === 0 ? undefined : { spec: found, status: named }
}

/** Writes it down: identity and host name go different ways, so that is up to two patches. */
export async function completeIdentity(
  deps: Pick<ControllerDeps, 'client'>,
  claim: VPSieNode,
  machine: Machine,
  signal: AbortSignal,
): Promise<VPSieNode> {
  const missing = missingIdentity(claim, machine)
  if (!missing) return claim
  let known = claim
  if (Object.keys(missing.spec).length > 0)
    known = await patchClaim(deps, known, { spec: missing.spec }, undefined, signal)
  if (Object.keys(missing.status).length === 0) return known
  const status = { ...missing.status, phase: claim.status?.phase ?? 'Pending' }
  return patchClaim(deps, known, { status }, 'status', signal)
}

function tellWrongPool({ events, log }: AdoptionDeps, claim: VPSieNode, { poolID, identity }: Machine): void {
  const wanted = claim.spec.vpsieGroupID
  if (poolID === undefined || wanted === undefined || poolID === wanted) return
  events.record(
    claim,
    'Warning',
    'WrongPool',
    `VPSie put machine ${identity} into pool ${poolID}; it was ordered in pool ${wanted}`,
  )
  log.warn('a machine is in another pool than it was ordered in', {
    vpsieNode: claim.metadata.name,
    machine: identity,
    poolID,
    wanted,
  })
}
