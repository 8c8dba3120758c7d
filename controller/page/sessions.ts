import { randomBytes } from 'node:crypto'
import { RecentMap } from '../token/recent.ts'

/** Tokens of people who have signed in, kept in memory: a browser holds only a name for its own. */
export interface Sessions {
  /** Keeps a token and gives the name that the browser gets. */
  open(token: string): string
  /** The token of a name; undefined if there is none any more. */
  tokenOf(name: string): string | undefined
  close(name: string): void
}

// One who is crowded out signs in again.
const mostSessions = 256

/** Makes an empty table. A token ends by itself; whoever uses it has it reviewed. */
export function createSessions(): Sessions {
  const tokens = new RecentMap<string>(mostSessions)
  return {
    open(token) {
      const name = randomBytes(32).toString('base64url')
      tokens.set(name, token)
      return name
    },
    tokenOf: (name) => tokens.get(name),
    close: (name) => tokens.delete(name),
  }
}
