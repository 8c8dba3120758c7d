import { errorText } from '../../common/errors.ts'
import type { Report } from '../../common/report.ts'
import { addressesOf, type Resolve } from './addresses.ts'
import { startTarget, type Target, type TargetDeps } from './target.ts'

/** Reports to every controller replica there is. */
export interface Pusher {
  push(report: Report): Promise<void>
  /** The quickest pace a controller has asked for, milliseconds. */
  readonly paceMs: number | undefined
  /** Sends the last report to all of them at once, within `ms`. */
  finish(report: Report | undefined, ms: number): Promise<void>
}

interface Entry {
  target: Target
  life: AbortController
}

/** Follows the addresses behind `urls`: a new one is reported to at once, one that is gone is let go. */
export function createPusher(
  deps: TargetDeps & { resolve: Resolve },
  urls: readonly string[],
  signal: AbortSignal,
): Pusher {
  const { clock, log, metrics, resolve } = deps
  const entries = new Map<string, Entry>()
  let problem = ''

  async function follow(): Promise<void> {
    try {
      const addresses = await addressesOf(urls, resolve)
      const keys = new Set(addresses.map(({ key }) => key))
      for (const [key, { life }] of entries) {
        if (keys.has(key)) continue
        life.abort(new DOMException('the controller has left', 'AbortError'))
        entries.delete(key)
      }
      for (const address of addresses.filter(({ key }) => !entries.has(key))) {
        const life = new AbortController()
        const target = startTarget(deps, address, AbortSignal.any([signal, life.signal]))
        entries.set(address.key, { target, life })
      }
      problem = ''
    } catch (error) {
      // Those that are known stay: a resolver that is away says nothing about the controllers.
      const text = errorText(error)
      if (text !== problem) log.warn('controllers could not be resolved', { error: text })
      problem = text
    }
  }

  return {
    async push(report) {
      await follow()
      let waiting = 0
      for (const { target } of entries.values()) {
        target.push(report)
        waiting += target.waiting
      }
      metrics.agent_backlog.set(waiting)
    },
    get paceMs() {
      const paces = [...entries.values()].flatMap(({ target }) => target.paceMs ?? [])
      return paces.length > 0 ? Math.min(...paces) : undefined
    },
    async finish(report, ms) {
      const within = clock.timeout(ms)
      await Promise.all([...entries.values()].map(({ target }) => target.finish(report, within)))
    },
  }
}
