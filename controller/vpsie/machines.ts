import Type, { type Static } from 'typebox'
import type { Machine } from './provider.ts'
import { type readPools, type Shape, toShape } from './replies.ts'
import { badReply, defined, maybe, numeric, toNumber, toText, toTime, wholeNumber, word } from './rows.ts'

/**
 * One machine in the detail of a cluster. The two dialects show different halves of it; a field that either is known
 * to have is read wherever it turns up.
 */
export const machineRow = Type.Object({
  identifier: maybe(word),
  id: maybe(wholeNumber),
  hostname: maybe(word),
  ip: maybe(word),
  default_ip: maybe(word),
  private_ip: maybe(word),
  status: maybe(Type.Union([word, Type.Integer()])),
  role: maybe(word),
  node_type: maybe(Type.Union([word, Type.Integer()])),
  boxsize_id: maybe(wholeNumber),
  group_id: maybe(wholeNumber),
  cpu: maybe(numeric),
  ram: maybe(numeric),
  disk: maybe(numeric),
  ssd: maybe(numeric),
  created_on: Type.Optional(Type.Unknown()),
})

export type MachineRow = Static<typeof machineRow>

/** A machine with the shape its row tells, from which its size may follow. */
export interface ShapedMachine {
  machine: Machine
  shape: Shape | undefined
}

/** Reads one row; `listed` is the role of the list it stands in. A row without any identity throws `BadReply`. */
export function toMachine(row: MachineRow, path: string, listed: Machine['role']): ShapedMachine {
  const uuid = toText(row.identifier)
  const numericID = toNumber(row.id)
  const hostname = toText(row.hostname)
  const identity = uuid ?? (numericID === undefined ? hostname?.toLowerCase() : String(numericID))
  if (identity === undefined) throw badReply(path, 'has neither identifier, id nor hostname')
  const addresses = [row.ip, row.default_ip, row.private_ip].flatMap((address) => toText(address) ?? [])
  const known = {
    uuid,
    numericID,
    hostname,
    status: row.status === null || row.status === undefined ? undefined : String(row.status),
    poolID: toNumber(row.group_id),
    sizeID: toNumber(row.boxsize_id),
    createdAt: toTime(row.created_on),
  }
  return {
    machine: { identity, role: roleOf(row, listed), addresses: [...new Set(addresses)], ...defined(known) },
    shape: toShape(row.cpu, row.ram, row.disk ?? row.ssd),
  }
}

// What an integer `node_type` stands for is not known, so it decides nothing; VPSie's host names say the role.
function roleOf({ role, node_type, hostname }: MachineRow, listed: Machine['role']): Machine['role'] {
  if (listed !== 'unknown') return listed
  const texts = [
    role,
    typeof node_type === 'string' ? node_type : undefined,
    /-(slave|master)-/i.exec(hostname ?? '')?.[1],
  ]
  for (const text of texts) {
    if (/master|control|manager/i.test(text ?? '')) return 'controlPlane'
    if (/slave|worker|node/i.test(text ?? '')) return 'worker'
  }
  return 'unknown'
}

/** Joins lists that may show the same machine; what is known about it in any of them counts. */
export function mergeMachines(all: readonly ShapedMachine[]): ShapedMachine[] {
  const merged = new Map<string, ShapedMachine>()
  for (const { machine, shape } of all) {
    const key = machine.identity.toLowerCase()
    const before = merged.get(key)
    const role = before && machine.role === 'unknown' ? before.machine.role : machine.role
    merged.set(key, { machine: { ...before?.machine, ...machine, role }, shape: shape ?? before?.shape })
  }
  return [...merged.values()]
}

/**
 * Gives machines whose rows tell no size the one of the only pool of their shape. Where two pools are of the same
 * shape, the size stays unknown.
 */
export function withSizes(all: readonly ShapedMachine[], pools: ReturnType<typeof readPools>): Machine[] {
  return all.map(({ machine, shape }) => {
    if (machine.sizeID !== undefined || machine.role === 'controlPlane' || !shape) return machine
    const [only, other] = pools.filter((entry) => entry.shape && sameShape(entry.shape, shape))
    return only && !other ? { ...machine, sizeID: only.pool.sizeID, poolID: only.pool.id } : machine
  })
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.cpu === b.cpu && a.ram === b.ram && a.disk === b.disk
}
