import type { MachineNames } from '../../common/api/ownership.ts'
import { codeOf, errorText, hasCode, InputError, TransientError } from '../../common/errors.ts'
import { appsV2 } from './dialects/apps-v2.ts'
import { v2 } from './dialects/v2.ts'
import type { ShapedMachine } from './machines.ts'
import type { VMOrder } from './provider.ts'

export type DialectName = 'v2' | 'apps-v2'

/** One way of speaking VPSie's API. The public clients of it disagree, and nobody has a specification. */
export interface Dialect {
  name: DialectName
  /** In front of every path. */
  prefix: string
  /** Headers that carry the token: `authorization` as a bearer, `vpsie-auth` bare. */
  headers: readonly ('authorization' | 'vpsie-auth')[]
  /** `data` of `GET /k8s/cluster/byId/{cluster}`. Throws `BadReply`. */
  readMachines(data: unknown): ShapedMachine[]
  /** Plain VPS, whose calls differ in more than the prefix. */
  vms: {
    prefix: string
    list(projectID: string): string
    /** The order's body. */
    order(order: VMOrder): object
    /** Undefined if what the call needs is not known of the machine. */
    remove(machine: MachineNames): { path: string; json?: unknown } | undefined
  }
}

/** All dialects, the one of the predecessor first. */
export const dialects: readonly Dialect[] = [v2, appsV2]

/** Where VPSie is: an https URL without a dialect's prefix, and the dialect whose prefix it had. */
export interface Place {
  base: string
  named: Dialect | undefined
}

/**
 * Reads a configured URL such as `https://api.vpsie.com` or the predecessor's `https://api.vpsie.com/v2`. Throws
 * `InputError` if it is not https, or carries credentials, query or fragment.
 */
export function placeOf(url: string, path: string): Place {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'https:' || parsed.username || parsed.password || parsed.search || parsed.hash) {
    throw new InputError(path, 'must be a plain https URL such as https://api.vpsie.com')
  }
  const whole = parsed.href.replace(/\/+$/, '')
  const named = [...dialects]
    .sort((a, b) => b.prefix.length - a.prefix.length)
    .find(({ prefix }) => whole.endsWith(prefix))
  return { base: named ? whole.slice(0, -named.prefix.length) : whole, named }
}

/** The headers that carry a token in a dialect. */
export function authHeaders({ headers }: Pick<Dialect, 'headers'>, token: string): Record<string, string> {
  return Object.fromEntries(
    headers.map((name) => [name, name === 'authorization' ? `Bearer ${token}` : token]),
  )
}

/**
 * Finds the dialect VPSie answers in by asking in each, the one the URL names first. What shows that a dialect is not
 * spoken: an unknown path, a refused log-in, a reply of another form. Anything else ends the search and is thrown.
 */
export async function detectDialect(
  { named }: Place,
  probe: (dialect: Dialect) => Promise<unknown>,
): Promise<Dialect> {
  const order = named ? [named, ...dialects.filter((dialect) => dialect !== named)] : dialects
  const failures: { name: DialectName; error: unknown }[] = []
  for (const dialect of order) {
    try {
      await probe(dialect)
      return dialect
    } catch (error) {
      if (!hasCode(error, 'NotFound', 'Unauthorized', 'Forbidden', 'BadReply')) throw error
      failures.push({ name: dialect.name, error })
    }
  }
  const unauthorized = failures.find(({ error }) => hasCode(error, 'Unauthorized', 'Forbidden'))
  if (unauthorized) throw unauthorized.error
  const told = failures.map(({ name, error }) => `${name} (${codeOf(error)}): ${errorText(error)}`).join('; ')
  throw new TransientError(`no known dialect of the VPSie API is spoken there: ${told}`, {
    code: 'BadReply',
    outcome: 'notSent',
  })
}
