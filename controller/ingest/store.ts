import type { Clock } from '../../common/clock.ts'
import type { Report } from '../../common/report.ts'
import type { NodeUsage } from '../decide/state.ts'
import { UsageHistory, type UsagePoint } from './history.ts'

export interface ReadLimits {
  /** How far back to look, milliseconds; at most an hour. */
  windowMs: number
  /** Above these a node is in use. */
  cpuPercent: number
  memoryPercent: number
}

export interface AgentState {
  node: string
  freshness: 'fresh' | 'unknown'
  /** Milliseconds since the epoch. */
  lastArrival: number
}

/** What the agents have told, by node. Everything it hands out is a copy: nobody can change what it knows. */
export interface UsageStore {
  /** Takes a report; of a refusal nothing is kept. */
  add(report: Report): 'accepted' | 'out-of-order' | 'superseded' | 'full'
  /** A node that is silent for 2.5 intervals, or never reported, is undefined: unknown. */
  read(node: string, limits: ReadLimits): NodeUsage | undefined
  /** The last hour of a node in `parts` equal parts, oldest first; empty if it never reported. */
  series(node: string, parts: number): (UsagePoint | undefined)[]
  /** Tells which Nodes there are. What others reported is forgotten some time after they were last named. */
  retain(nodes: ReadonlySet<string>): void
  agents(): AgentState[]
}

export interface StoreOptions {
  reportIntervalMs: number
  forgetAfterMs: number
  maxNodes: number
}

/** A moment by both clocks: one that never goes back, and one that goes on while the machine is suspended. */
interface Arrival {
  monotonic: number
  wall: number
}

interface Entry {
  bootId: string
  /** The starts before this one, the newest first, whose late reports no longer count. */
  superseded: readonly string[]
  seq: number
  /** Undefined before the first report is kept. */
  last: Arrival | undefined
  final: boolean
  history: UsageHistory
  /** Since when no Node of this name exists; undefined while there is one. */
  goneSince: number | undefined
}

// A node is unknown when it missed two reports and a half.
const silentIntervals = 2.5
// Starts of one node's agent that are remembered; who keeps reports of an earlier one for so long has nothing to say.
const mostSuperseded = 8

/** Makes an empty store. After a restart it knows nothing, so no node goes before its window is covered again. */
export function createUsageStore(
  { clock }: { clock: Clock },
  { reportIntervalMs, forgetAfterMs, maxNodes }: StoreOptions,
): UsageStore {
  const entries = new Map<string, Entry>()
  const silentMs = silentIntervals * reportIntervalMs

  const moment = (): Arrival => ({ monotonic: clock.monotonic(), wall: clock.now() })
  // By whichever clock says more: the one may be set back, the other stands still while the machine is suspended.
  const sinceLast = ({ last }: Entry) =>
    last ? Math.max(clock.monotonic() - last.monotonic, clock.now() - last.wall) : Number.POSITIVE_INFINITY
  const isFresh = (entry: Entry) => !entry.final && sinceLast(entry) <= silentMs

  function open(report: Report, known: Entry | undefined): Entry {
    return {
      bootId: report.bootId,
      superseded: known ? [known.bootId, ...known.superseded].slice(0, mostSuperseded) : [],
      seq: 0,
      last: undefined,
      final: false,
      history: new UsageHistory(reportIntervalMs),
      // Until a Node of the name has been seen, this is somebody who may never come.
      goneSince: known ? known.goneSince : clock.monotonic(),
    }
  }

  return {
    add(report) {
      const known = entries.get(report.node)
      if (known?.superseded.includes(report.bootId)) return 'superseded'
      if (!known && entries.size >= maxNodes) return 'full'
      const entry = known?.bootId === report.bootId ? known : open(report, known)
      if (report.seq <= entry.seq) return 'out-of-order'
      // It speaks of no more than has passed since the last one, and of no more than it may be late.
      const last = moment()
      const passed = entry.last ? last.monotonic - entry.last.monotonic : Number.POSITIVE_INFINITY
      const span = Math.min(report.windowSeconds * 1000, passed, silentMs)
      entry.history.add(report, last.monotonic, span)
      Object.assign(entry, { seq: report.seq, last, final: report.final === true })
      entries.set(report.node, entry)
      return 'accepted'
    },

    read(node, { windowMs, cpuPercent, memoryPercent }) {
      const entry = entries.get(node)
      if (!entry?.last || !isFresh(entry)) return undefined
      // The window ends with the last report: what has passed since is not missing, it is on its way.
      const usage = entry.history.read(entry.last.monotonic, windowMs, { cpuPercent, memoryPercent })
      if (!usage) return undefined
      return { node, ...usage, since: usage.since + clock.now() - clock.monotonic() }
    },

    series: (node, parts) => entries.get(node)?.history.series(clock.monotonic(), parts) ?? [],

    retain(nodes) {
      const now = clock.monotonic()
      for (const [node, entry] of entries) {
        entry.goneSince = nodes.has(node) ? undefined : (entry.goneSince ?? now)
        if (entry.goneSince !== undefined && now - entry.goneSince >= forgetAfterMs) entries.delete(node)
      }
    },

    agents: () =>
      [...entries].map(([node, entry]) => ({
        node,
        freshness: isFresh(entry) ? 'fresh' : 'unknown',
        lastArrival: entry.last?.wall ?? 0,
      })),
  }
}
