import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parseDocument } from 'yaml'
import { errorText, InputError } from '../../common/errors.ts'
import { type Cutter, cutJSON, cutYAML, type Piece } from './pieces.ts'

/** One object of a state file, with where it stands in words. */
export interface Document {
  where: string
  object: Record<string, unknown>
}

// A file that unpacks to more than this is no state of a cluster.
const mostCharacters = 2 ** 34

/**
 * The objects of a file as they come: JSON or YAML, packed or not, one or many documents, Lists opened. Only one
 * object is held at a time. Throws `InputError`.
 */
export async function* readDocuments(
  name: string,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Document> {
  // Items of a list of one kind leave their kind out, and the list may say it after them.
  let unnamed: Document[] = []
  for await (const piece of piecesOf(name, content)) {
    const ofFile = piece.format === 'JSON' ? name : `${name} document ${piece.document + 1}`
    const where = piece.item === undefined ? ofFile : `${ofFile} items[${piece.item}]`
    const value = parse(piece, where)
    if (piece.item !== undefined && isObject(value) && value.kind === undefined) {
      unnamed.push({ where, object: value })
      continue
    }
    yield* open(value, where)
    if (piece.item !== undefined || !isObject(value)) continue
    const implied = impliedOf(value)
    for (const { where: at, object } of unnamed) yield* open({ ...implied, ...object }, at)
    unnamed = []
  }
}

type CutPiece = Piece & { format: Cutter['format'] }

async function* piecesOf(name: string, content: AsyncIterable<Uint8Array>): AsyncGenerator<CutPiece> {
  let cutter: Cutter | undefined
  let start = ''
  for await (const text of textOf(name, content)) {
    if (!cutter) {
      start += text
      if (start.trim() === '') continue
      cutter = start.trimStart().startsWith('{') ? cutJSON() : cutYAML()
    }
    for (const piece of cutter.push(start === '' ? text : start)) yield { ...piece, format: cutter.format }
    start = ''
  }
  for (const piece of cutter?.end() ?? []) yield { ...piece, format: cutter?.format ?? 'YAML' }
}

async function* textOf(name: string, content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let length = 0
  try {
    for await (const bytes of unpacked(content)) {
      const text = decoder.decode(bytes, { stream: true })
      length += text.length
      if (length > mostCharacters)
        throw new InputError(
          name,
          `has more than ${mostCharacters} characters: that is no state of a cluster`,
        )
      yield text
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))) throw error
    throw new InputError(name, `cannot be unpacked: ${errorText(error)}`)
  }
}

async function* unpacked(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = content[Symbol.asyncIterator]()
  const first = await source.next()
  const all = {
    async *[Symbol.asyncIterator]() {
      if (!first.done) yield first.value
      for (let next = await source.next(); !next.done; next = await source.next()) yield next.value
    },
  }
  const isPacked = !first.done && first.value[0] === 0x1f && first.value[1] === 0x8b
  yield* isPacked ? Readable.from(all).compose(createGunzip()) : all
}

function parse({ format, text }: CutPiece, where: string): unknown {
  if (format === 'YAML') return fromYAML(where, text)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InputError(where, `is not JSON: ${errorText(error)}`)
  }
}

function fromYAML(where: string, text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true })
  const [error] = document.errors
  if (error) throw new InputError(where, `is not YAML: ${error.message.split('\n')[0]}`)
  // Aliases are unlimited in the format, so a small file could stand for a huge one.
  return document.toJS({ maxAliasCount: 1000 })
}

function* open(root: unknown, where: string): Generator<Document> {
  if (root === null || root === undefined) return
  if (!isObject(root))
    throw new InputError(where, `must be a Kubernetes object: current value is ${JSON.stringify(root)}`)
  const { kind, items } = root
  if (typeof kind !== 'string')
    throw new InputError(`${where} kind`, `must be text: current value is ${JSON.stringify(kind)}`)
  if (!kind.endsWith('List') || items === undefined) {
    yield { where: `${where} ${nameOf(root)}`, object: root }
    return
  }
  if (items !== null && !Array.isArray(items))
    throw new InputError(`${where} items`, `must be a list: current value is ${JSON.stringify(items)}`)
  const implied = impliedOf(root)
  for (const [i, item] of (items ?? []).entries())
    yield* open(isObject(item) ? { ...implied, ...item } : item, `${where} items[${i}]`)
}

/** What the items of a List need not say themselves. */
function impliedOf({ apiVersion, kind }: Record<string, unknown>): Record<string, unknown> {
  const isOfOneKind = typeof kind === 'string' && kind !== 'List' && kind.endsWith('List')
  return { apiVersion, ...(isOfOneKind ? { kind: kind.slice(0, -4) } : {}) }
}

function nameOf({ kind, metadata }: Record<string, unknown>): string {
  const { name, namespace } = isObject(metadata) ? metadata : {}
  return `${kind} ${[namespace, name].filter((part) => typeof part === 'string').join('/')}`.trim()
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
