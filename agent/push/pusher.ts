import { errorText } from '../../common/errors.ts'
import type { Report } from '../../common/report.ts'
import { type Address, addressesOf, type Resolve } from './addresses.ts'
import { startTarget, type Target, type TargetDeps } from './target.ts'

/** Reports to every controller replica there is. */
export interface Pusher {
  /** Hands a report to every controller that is known, and to those that turn up before the next one. */
  push(report: Report): void
  /** The quickest pace a controller has asked for, milliseconds. */
  readonly paceMs: number | undefined
  /** Controllers that are reported to. */
  readonly targets: number
  /** Reports that wait, over all of them. */
  readonly waiting: number
  /** Sends the last report to all of them at once, within `ms`. */
  finish(report: Report | undefined, ms: number): Promise<void>
}

interface Entry {
  target: Target
  life: AbortController
}

/** Follows the addresses behind `urls`, looked up anew with each report, until `signal` aborts. */
export function createPusher(
  deps: TargetDeps & { resolve: Resolve },
  urls: readonly string[],
  signal: AbortSignal,
): Pusher {
  const { clock, log } = deps
  const entries = new Map<string, Entry>()
  const lookUp = lookUps(deps, reconcile)
  let newest: Report | undefined

  function reconcile(addresses: ReadonlyMap<string, Address>): void {
    if (signal.aborted) return
    for (const [key, { life }] of entries) {
      if (addresses.has(key)) continue
      log.info('controller has left', { controller: key })
      life.abort(new DOMException('the controller has left', 'AbortError'))
      entries.delete(key)
    }
    for (const [key, address] of addresses) {
      if (entries.has(key)) continue
      const life = new AbortController()
      const target = startTarget(deps, address, AbortSignal.any([signal, life.signal]))
      entries.set(key, { target, life })
      if (newest) target.push(newest)
    }
  }

  const targets = () => [...entries.values()].map(({ target }) => target)
  return {
    push(report) {
      newest = report
      for (const target of targets()) target.push(report)
      for (const url of urls) void lookUp(url)
    },
    get paceMs() {
      const paces = targets().flatMap(({ paceMs }) => paceMs ?? [])
      return paces.length > 0 ? Math.min(...paces) : undefined
    },
    get targets() {
      return entries.size
    },
    get waiting() {
      return targets().reduce((sum, { waiting }) => sum + waiting, 0)
    },
    async finish(report, ms) {
      const within = clock.timeout(ms)
      await Promise.all(targets().map((target) => target.finish(report, within)))
    },
  }
}

/**
 * Makes the look-up of a URL, which tells `found` all addresses by their key, those of other URLs included. Of a name
 * that cannot be resolved the last addresses stay: a resolver that is away says nothing about the controllers. Nobody
 * waits for a look-up, which the resolver limits by itself; a second one of a URL begins when the first has ended.
 */
function lookUps(
  { log, resolve }: Pick<TargetDeps, 'log'> & { resolve: Resolve },
  found: (addresses: ReadonlyMap<string, Address>) => void,
): (url: string) => Promise<void> {
  const known = new Map<string, Address[]>()
  const problems = new Map<string, string>()
  const running = new Set<string>()
  return async (url) => {
    if (running.has(url)) return
    running.add(url)
    try {
      known.set(url, await addressesOf(url, resolve))
      problems.delete(url)
      found(new Map([...known.values()].flat().map((address) => [address.key, address])))
    } catch (error) {
      const text = errorText(error)
      if (problems.get(url) !== text) log.warn('controller could not be resolved', { url, error: text })
      problems.set(url, text)
    } finally {
      running.delete(url)
    }
  }
}
