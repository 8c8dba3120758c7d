import { isDeepStrictEqual } from 'node:util'
import { isRecord } from './merge.ts'
import { StatusError } from './status.ts'

export interface Operation {
  op: 'add' | 'remove' | 'replace' | 'test'
  path: string
  value?: unknown
}

/** JSON patch, RFC 6902, of the operations in use. Throws 422 if one does not apply; then nothing is changed. */
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
  if (op === 'test') {
    if (!isDeepStrictEqual(childOf(parent, last, path), value)) throw failed(path, 'the test failed')
  } else if (Array.isArray(parent)) applyToList(parent, op, last, value, path)
  else if (isRecord(parent)) applyToRecord(parent, op, last, value, path)
  else throw failed(path, 'it does not exist')
  return target
}

function failed(path: string, why: string): StatusError {
  return new StatusError(422, 'Invalid', `the server rejected our request due to an error in our request`, {
    causes: [{ field: path, message: why }],
  })
}

function childOf(at: unknown, token: string, path: string): unknown {
  const child = Array.isArray(at) ? at[Number(token)] : isRecord(at) ? at[token] : undefined
  if (child === undefined) throw failed(path, 'it does not exist')
  return child
}

function applyToList(
  list: unknown[],
  op: 'add' | 'remove' | 'replace',
  token: string,
  value: unknown,
  path: string,
): void {
  const index = token === '-' ? list.length : Number(token)
  const most = op === 'add' ? list.length : list.length - 1
  if (!Number.isInteger(index) || index < 0 || index > most) throw failed(path, 'there is no such index')
  if (op === 'add') list.splice(index, 0, value)
  else if (op === 'remove') list.splice(index, 1)
  else list[index] = value
}

function applyToRecord(
  record: Record<string, unknown>,
  op: 'add' | 'remove' | 'replace',
  key: string,
  value: unknown,
  path: string,
): void {
  if (op !== 'add' && !(key in record)) throw failed(path, 'it does not exist')
  if (op === 'remove') delete record[key]
  else record[key] = value
}
