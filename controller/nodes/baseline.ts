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

const markLength = 8

/** The baseline of these identities; letter case does not count. */
export function baselineOf(identities: Iterable<string>): Baseline {
  return createBaseline(new Set([...identities].map(markOf)))
}

/** Reads `text` of a baseline. */
export function readBaseline(text: string | undefined): Baseline {
  const marks = new Set<string>()
  for (let at = 0; at < (text ?? '').length; at += markLength)
    marks.add((text ?? '').slice(at, at + markLength))
  return createBaseline(marks)
}

/** What is in any of them. */
export function joinBaselines(baselines: readonly Baseline[]): Baseline {
  return createBaseline(new Set(baselines.flatMap(({ text }) => marksOf(text))))
}

function createBaseline(marks: ReadonlySet<string>): Baseline {
  return {
    has: (identity) => marks.has(markOf(identity)),
    get text() {
      return [...marks].sort().join('')
    },
  }
}

function marksOf(text: string): string[] {
  return text.match(/.{8}/g) ?? []
}

// 6 bytes are 8 characters.
function markOf(identity: string): string {
  return createHash('sha256').update(identity.toLowerCase()).digest().subarray(0, 6).toString('base64url')
}
