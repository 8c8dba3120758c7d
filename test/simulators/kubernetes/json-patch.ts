import { isRecord } from './merge.ts'
import { badRequest } from './status.ts'

export interface Operation {
  op: 'add' | 'remove' | 'replace' | 'test'
  path: string
  value?: unknown
}

/** JSON patch, RFC 6902, of the operations that admission uses. Throws 400 on one that does not apply. */
export function jsonPatch(target: unknown, operations: readonly Operation[]): unknown {
  return operations.reduce(applyOne, structuredClone(target))
}

function applyOne(target: unknown, { op, path, value }: Operation): unknown {
  const tokens = path
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = tokens.pop()
  if (last === undefined) return op === 'remove' ? null : value
  const parent = tokens.reduce<unknown>((at, token) => childOf(at, token, path), target)
  if (Array.isArray(parent)) applyToList(parent, op, last, value, path)
  else if (isRecord(parent)) applyToRecord(parent, op, last, value, path)
  else throw badRequest(`the path ${path} does not exist`)
  return target
}

function childOf(at: unknown, token: string, path: string): unknown {
  const child = Array.isArray(at) ? at[Number(token)] : isRecord(at) ? at[token] : undefined
  if (child === undefined) throw badRequest(`the path ${path} does not exist`)
  return child
}

function applyToList(
  list: unknown[],
  op: Operation['op'],
  token: string,
  value: unknown,
  path: string,
): void {
  const index = token === '-' ? list.length : Number(token)
  if (!Number.isInteger(index) || index < 0 || index > list.length) throw badRequest(`no index ${path}`)
  if (op === 'add') list.splice(index, 0, value)
  else if (op === 'remove') list.splice(index, 1)
  else list[index] = value
}

function applyToRecord(
  record: Record<string, unknown>,
  op: Operation['op'],
  key: string,
  value: unknown,
  path: string,
): void {
  if (op !== 'add' && !(key in record)) throw badRequest(`the path ${path} does not exist`)
  if (op === 'test' && JSON.stringify(record[key]) !== JSON.stringify(value))
    throw badRequest(`test of ${path} failed`)
  if (op === 'remove') delete record[key]
  else if (op !== 'test') record[key] = value
}
