import type { Clock } from '../../common/clock.ts'
import type { Report } from '../../common/report.ts'
import type { NodeUsage } from '../decide/state.ts'
import { UsageHistory } from './history.ts'

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
  /** Tells which Nodes there are. What others reported is forgotten some time after they were last named. */
  retain(nodes: ReadonlySet<string>): void
  agents(): AgentState[]
}

export interface StoreOptions {
  reportIntervalMs: number
  forgetAfterMs: number
  maxNodes: number
}

interface Entry {
  bootId: string
  /** The start before this one, whose late reports no longer count. */
  supersededBootId?: string
  seq: number
  lastArrival: number
  final: boolean
  history: UsageHistory
  /** Since when no Node of this name exists; undefined while there is one. */
  goneSince: number | undefined
}

// A node is unknown when it missed two reports and a half.
const silentIntervals = 2.5

/** Makes an empty store. After a restart it knows nothing, so no node goes before its window is covered again. */
export function createUsageStore(
  { clock }: { clock: Clock },
  { reportIntervalMs, forgetAfterMs, maxNodes }: StoreOptions,
): UsageStore {
  const entries = new Map<string, Entry>()
  const silentMs = silentIntervals * reportIntervalMs

  const isFresh = ({ final, lastArrival }: Entry) => !final && clock.now() - lastArrival <= silentMs

  function open(report: Report, known: Entry | undefined): Entry {
    return {
      bootId: report.bootId,
      ...(known ? { supersededBootId: known.bootId } : {}),
      seq: 0,
      lastArrival: 0,
      final: false,
      history: new UsageHistory(reportIntervalMs),
      // Until a Node of the name has been seen, this is somebody who may never come.
      goneSince: known ? known.goneSince : clock.now(),
    }
  }

  return {
    add(report) {
      const known = entries.get(report.node)
      if (known?.supersededBootId === report.bootId) return 'superseded'
      if (!known && entries.size >= maxNodes) return 'full'
      const entry = known?.bootId === report.bootId ? known : open(report, known)
      if (report.seq <= entry.seq) return 'out-of-order'
      const now = clock.now()
      // It speaks of no more than has passed since the last one, and of no more than it may be late.
      const sinceLast = entry.lastArrival > 0 ? now - entry.lastArrival : Number.POSITIVE_INFINITY
      const span = Math.min(report.windowSeconds * 1000, sinceLast, silentMs)
      entry.history.add(report, now, span)
      Object.assign(entry, { seq: report.seq, lastArrival: now, final: report.final === true })
      entries.set(report.node, entry)
      return 'accepted'
    },

    read(node, { windowMs, cpuPercent, memoryPercent }) {
      const entry = entries.get(node)
      if (!entry || !isFresh(entry)) return undefined
      // The window ends with the last report: what has passed since is not missing, it is on its way.
      const usage = entry.history.read(entry.lastArrival, windowMs, { cpuPercent, memoryPercent })
      return usage && { node, ...usage }
    },

    retain(nodes) {
      const now = clock.now()
      for (const [node, entry] of entries) {
        entry.goneSince = nodes.has(node) ? undefined : (entry.goneSince ?? now)
        if (entry.goneSince !== undefined && now - entry.goneSince >= forgetAfterMs) entries.delete(node)
      }
    },

    agents: () =>
      [...entries].map(([node, entry]) => ({
        node,
        freshness: isFresh(entry) ? 'fresh' : 'unknown',
        lastArrival: entry.lastArrival,
      })),
  }
}
