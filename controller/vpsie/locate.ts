import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/log.ts'
import type { Credentials } from './credentials.ts'
import { type Dialect, detectDialect, dialects, type Place, placeOf } from './dialect.ts'
import { createFlight } from './flight.ts'
import type { VPSieOptions } from './options.ts'

/** Where VPSie is and how it speaks. */
export interface Located {
  base: string
  dialect: Dialect
}

/** Tells where to send a call. It may have to ask VPSie first, so it may fail or take a while. */
export type Locator = (signal: AbortSignal) => Promise<Located>

/** Asks for something harmless in a dialect, to see whether VPSie speaks it. */
export type Probe = (at: Located, signal: AbortSignal) => Promise<unknown>

// Long enough for every dialect to be tried with all retries.
const longestSearchMs = 120_000

/**
 * Gives the place the credentials or else the options name, with the dialect spoken there. A dialect is asked for
 * once per place, at the first call; a failed search is repeated by the next call. Throws what the search throws, and
 * `InputError` for a URL that is none.
 */
export function createLocator(
  deps: { clock: Clock; log: Logger },
  options: VPSieOptions,
  credentials: () => Credentials,
  probe: Probe,
): Locator {
  const fixed = dialects.find(({ name }) => name === options['vpsie-dialect'])
  let found: Located | undefined

  function place(): Place {
    const { url } = credentials()
    return url ? placeOf(url, "Secret key 'url'") : placeOf(options['vpsie-url'], '--vpsie-url')
  }

  const search = createFlight(deps, longestSearchMs, async (signal) => {
    const at = place()
    const dialect = await detectDialect(at, (candidate) =>
      probe({ base: at.base, dialect: candidate }, signal),
    )
    deps.log.info('dialect of the VPSie API found', { url: at.base, dialect: dialect.name })
    found = { base: at.base, dialect }
  })

  return async (signal) => {
    for (;;) {
      const { base } = place()
      if (fixed) return { base, dialect: fixed }
      if (found?.base === base) return found
      await search(signal)
    }
  }
}
