/** What an agent tells a controller about its node: the form of `POST /v1/reports`. */

/** Where reports go. */
export const reportPath = '/v1/reports'
/** Who the agent's token is for. */
export const reportAudience = 'vpsie-autoscaler'
/** A longer report is refused. */
export const maxReportBytes = 16 * 1024
export const reportVersion = 1

/** Shares are 0–1 of the whole machine, over the report's window, unless named otherwise. */
export interface Report {
  version: typeof reportVersion
  /** Name of the Node. The token decides whether it may speak for it. */
  node: string
  /** Kernel boot id `/` random id of the agent's start: a new one begins a new count of `seq`. */
  bootId: string
  /** Grows by one with each report of a start, from 1. */
  seq: number
  /** RFC 3339, by the agent's clock; only to find clocks that differ. */
  at: string
  uptimeSeconds: number
  /** What the figures are of: this long before the report, by the monotonic clock. */
  windowSeconds: number
  /** How many samples the figures are made of. */
  samples: number
  /** CPUs at the last sample. */
  cores: number
  cpu: CpuUsage
  memory: MemoryUsage
  /** Absent where the kernel does not count pressure. */
  psi?: Pressure
  /** Slowly changing facts, with some reports only. */
  inventory?: Inventory
  /** The agent is stopping: the node is unknown from now on. */
  final?: boolean
}

export interface CpuUsage {
  /** user + nice + system + irq + softirq. */
  busy: Spread
  /** Taken by the hypervisor. */
  steal: number
  iowait: number
}

export interface Spread {
  min: number
  avg: number
  max: number
  last: number
}

/** Bytes at the last sample. */
export interface MemoryUsage {
  totalBytes: number
  /** The kernel's estimate of what could be had without swapping. */
  availableBytes: number
  /** Anonymous pages, cache and buffers, less inactive file pages. */
  workingSetBytes: number
}

/** Shares of time in which some, or all, tasks waited (kernel documentation, accounting/psi). */
export interface Pressure {
  cpuSome: number
  memorySome: number
  memoryFull: number
  ioSome: number
  ioFull: number
}

export interface Inventory {
  os?: string
  kernel?: string
  model?: string
  diskBytes?: number
}

/** The reply to an accepted report. */
export interface ReportAnswer {
  nextReportSeconds: number
}
