import { abortable } from '../../common/abortable.ts'
import type { Report } from '../../common/report.ts'

/** Reports that wait for one controller. */
export interface Backlog {
  /** Adds a report. Gives how many of the oldest had to go for it. */
  add(report: Report): number
  /** The newest, as soon as there is one. Rejects when `signal` aborts. */
  newest(signal: AbortSignal): Promise<Report>
  /**
   * Takes a report out, with `older` all before it too: a controller takes `seq` only upwards, so that they have become
   * void. Gives how many went.
   */
  drop(report: Report, which: 'alone' | 'older'): number
  readonly length: number
}

// Five minutes of reports; what is older no longer tells a controller anything that it does not learn anew.
const mostWaiting = 20

/** Makes an empty backlog of a fixed largest size. */
export function createBacklog(): Backlog {
  let waiting: Report[] = []
  let arrival = Promise.withResolvers<void>()

  /** Keeps some; gives how many went. */
  function keep(kept: Report[]): number {
    const gone = waiting.length - kept.length
    waiting = kept
    return gone
  }

  return {
    add(report) {
      waiting = [...waiting, report]
      arrival.resolve()
      return keep(waiting.slice(-mostWaiting))
    },
    async newest(signal) {
      for (;;) {
        signal.throwIfAborted()
        const report = waiting.at(-1)
        if (report) return report
        arrival = Promise.withResolvers()
        await abortable(arrival.promise, signal)
      }
    },
    drop: (report, which) =>
      keep(waiting.filter((each) => (which === 'alone' ? each !== report : each.seq > report.seq))),
    get length() {
      return waiting.length
    },
  }
}
