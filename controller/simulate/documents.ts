import { gunzipSync } from 'node:zlib'
import { parseAllDocuments } from 'yaml'
import { errorText, InputError } from '../../common/errors.ts'

/** One object of a state file, with where it stands in words. */
export interface Document {
  where: string
  object: Record<string, unknown>
}

// A file that unpacks to more than this is no state of a cluster.
const mostBytes = 2 ** 30

/** The objects of a file: JSON or YAML, packed or not, one or many documents, Lists opened. Throws `InputError`. */
export function readDocuments(name: string, content: Buffer): Document[] {
  const text = unpack(name, content)
  const roots = text.trimStart().startsWith('{') ? [fromJSON(name, text)] : fromYAML(name, text)
  return roots.flatMap((root, i) => open(root, roots.length > 1 ? `${name} document ${i + 1}` : name))
}

function unpack(name: string, content: Buffer): string {
  const isPacked = content[0] === 0x1f && content[1] === 0x8b
  if (!isPacked) return content.toString('utf8')
  try {
    return gunzipSync(content, { maxOutputLength: mostBytes }).toString('utf8')
  } catch (error) {
    throw new InputError(name, `cannot be unpacked: ${errorText(error)}`)
  }
}

// Flow mappings of YAML begin like JSON, so what is no JSON gets a second chance.
function fromJSON(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const roots = fromYAML(name, text)
    if (roots.length === 1) return roots[0]
    throw new InputError(name, `is not JSON: ${error.message}`)
  }
}

function fromYAML(name: string, text: string): unknown[] {
  // Aliases are unlimited in the format, so a small file could stand for a huge one.
  const documents = parseAllDocuments(text, { uniqueKeys: true })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document, i) => {
    const [error] = document.errors
    if (error)
      throw new InputError(`${name} document ${i + 1}`, `is not YAML: ${error.message.split('\n')[0]}`)
    const value: unknown = document.toJS({ maxAliasCount: 1000 })
    return value === null || value === undefined ? [] : [value]
  })
}

function open(root: unknown, where: string): Document[] {
  if (!isObject(root))
    throw new InputError(where, `must be a Kubernetes object: current value is ${JSON.stringify(root)}`)
  const { kind, items } = root
  if (typeof kind !== 'string')
    throw new InputError(`${where} kind`, `must be text: current value is ${JSON.stringify(kind)}`)
  if (!kind.endsWith('List') || items === undefined)
    return [{ where: `${where} ${nameOf(root)}`, object: root }]
  if (!Array.isArray(items))
    throw new InputError(`${where} items`, `must be a list: current value is ${JSON.stringify(items)}`)
  // Lists of one kind leave the kind of their items out.
  const implied = { apiVersion: root.apiVersion, ...(kind === 'List' ? {} : { kind: kind.slice(0, -4) }) }
  return items.flatMap((item: unknown, i) =>
    open(isObject(item) ? { ...implied, ...item } : item, `${where} items[${i}]`),
  )
}

function nameOf({ kind, metadata }: Record<string, unknown>): string {
  const { name, namespace } = isObject(metadata) ? metadata : {}
  return `${kind} ${[namespace, name].filter((part) => typeof part === 'string').join('/')}`.trim()
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
