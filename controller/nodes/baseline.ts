import { createHash } from 'node:crypto'

/**
 * The machines that existed when an order was written down, kept small: 8 characters for each, so that 10,000 of them
 * are a third of what all annotations of an object may hold. Two identities of a cluster share a mark with a chance
 * of about 10,000 / 2^48.
 */
export interface Baseline {
  has(identity: string): boolean
  readonly text: string
}

/** The baseline of these identities; letter case does not count. */
export function baselineOf(identities: Iterable<string>): Baseline {
  return createBaseline(join(new Set([...identities].map(markOf))))
}

/** Reads `text` of a baseline. */
export function readBaseline(text: string | undefined): Baseline {
  return createBaseline(text ?? '')
}

/** What is in any of them. */
export function joinBaselines(baselines: readonly Baseline[]): Baseline {
  return createBaseline(join(new Set(baselines.flatMap(({ text }) => marksOf(text)))))
}

// An order is read many times a pass, and its baseline is seldom asked: it is taken apart only then.
function createBaseline(text: string): Baseline {
  let marks: ReadonlySet<string> | undefined
  return {
    text,
    has(identity) {
      marks ??= new Set(marksOf(text))
      return marks.has(markOf(identity))
    },
  }
}

function join(marks: ReadonlySet<string>): string {
  return [...marks].sort().join('')
}

const markLength = 8

function marksOf(text: string): string[] {
  return Array.from({ length: Math.floor(text.length / markLength) }, (_, i) =>
    text.slice(i * markLength, (i + 1) * markLength),
  )
}

// 6 bytes are 8 characters.
function markOf(identity: string): string {
  return createHash('sha256').update(identity.toLowerCase()).digest().subarray(0, 6).toString('base64url')
}
