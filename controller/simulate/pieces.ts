/** One part of a file that can be parsed on its own. */
export interface Piece {
  /** Number of the document it belongs to, from 0. */
  readonly document: number
  /** Number of the item of the document's List; undefined for the document itself, without those items. */
  readonly item: number | undefined
  readonly text: string
}

/** Cuts a file, which comes in parts, into pieces, so that a List of any length needs memory for one item only. */
export interface Cutter {
  readonly format: 'JSON' | 'YAML'
  push(text: string): Iterable<Piece>
  end(): Iterable<Piece>
}

/**
 * Cuts one JSON object at the commas of its `items`. It only counts brackets and looks for the ends of strings: whether
 * the pieces are JSON is left to the parser.
 */
export function cutJSON(): Cutter {
  let depth = 0
  let isText = false
  let isEscaped = false
  let isInItems = false
  let key = ''
  let item = 0
  // What has been read of the document without its items, and of the item.
  let root = ''
  let own = ''

  function* takeItem(): Iterable<Piece> {
    if (own.trim() !== '') yield { document: 0, item: item++, text: own }
    own = ''
  }

  return {
    format: 'JSON',
    *push(text) {
      let from = 0
      for (let at = 0; at < text.length; at++) {
        const char = text.charCodeAt(at)
        if (isText) {
          if (isEscaped) isEscaped = false
          else if (char === backslash) isEscaped = true
          else if (char === quote) isText = false
          if (depth === 1 && isText) key += text[at]
          continue
        }
        const isEnd = char === closeBrace || char === closeBracket
        if (isInItems && depth === 2 && (char === comma || isEnd)) {
          own += text.slice(from, at)
          from = char === comma ? at + 1 : at
          yield* takeItem()
        }
        if (isEnd && depth-- === 2) isInItems = false
        if (char === quote) {
          isText = true
          if (depth === 1) key = ''
        } else if (char === openBrace || char === openBracket) {
          if (++depth === 2 && char === openBracket && key === 'items') {
            isInItems = true
            root += text.slice(from, at + 1)
            from = at + 1
          }
        }
      }
      if (isInItems) own += text.slice(from)
      else root += text.slice(from)
    },
    *end() {
      if (isInItems) yield* takeItem()
      yield { document: 0, item: undefined, text: root }
    },
  }
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

/** Cuts YAML at its documents, and a List as kubectl writes it, with the dashes of its items in the first column, at those. */
export function cutYAML(): Cutter {
  let rest = ''
  let document = 0
  let item = 0
  let isInItems = false
  let root: string[] = []
  let own: string[] = []

  function* takeItem(): Iterable<Piece> {
    if (own.length > 0) yield { document, item: item++, text: own.join('\n') }
    own = []
  }

  function* takeDocument(): Iterable<Piece> {
    yield* takeItem()
    const text = root.join('\n')
    if (text.trim() !== '') yield { document, item: undefined, text }
    if (text.trim() !== '') document++
    root = []
    item = 0
    isInItems = false
  }

  function* takeLine(line: string): Iterable<Piece> {
    if (/^---(\s|$)/.test(line)) {
      yield* takeDocument()
      const same = line.slice(3)
      if (same.trim() !== '') root.push(same)
    } else if (isInItems && /^-(\s|$)/.test(line)) {
      yield* takeItem()
      own.push(` ${line.slice(1)}`)
    } else if (isInItems && (own.length > 0 || line === '') && /^(\s|#|$)/.test(line)) {
      own.push(line)
    } else {
      yield* takeItem()
      isInItems = /^items:\s*(#.*)?$/.test(line)
      root.push(line)
    }
  }

  return {
    format: 'YAML',
    *push(text) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield* takeLine(line.endsWith('\r') ? line.slice(0, -1) : line)
    },
    *end() {
      yield* takeLine(rest)
      yield* takeDocument()
    },
  }
}
