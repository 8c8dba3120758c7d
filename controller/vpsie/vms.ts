import Type from 'typebox'
import { machineRow, toMachine } from './machines.ts'
import type { Machine } from './provider.ts'
import { checked, flag, listOf, maybe, toFlag } from './rows.ts'

const vmRows = listOf(
  Type.Intersect([machineRow, Type.Object({ is_deleted: maybe(flag), is_terminated: maybe(flag) })]),
)

/** `GET /vm`: plain VPS, in either dialect. An absent list must never be taken for an empty project. */
export function readVMs(data: unknown): Machine[] {
  return checked(vmRows, data, 'data')
    .map((row, i) => ({ row, machine: toMachine(row, `data[${i}]`, 'worker').machine }))
    .filter(({ row }) => !toFlag(row.is_deleted) && !toFlag(row.is_terminated))
    .map(({ machine }) => machine)
}
