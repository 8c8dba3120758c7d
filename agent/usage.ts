import type { CpuUsage, MemoryUsage, Pressure } from '../common/report.ts'
import type { Sample } from './sample/read.ts'

/** What a machine did between two samples. Shares are 0–1. */
export interface Step {
  ms: number
  cores: number
  busy: number
  steal: number
  iowait: number
  memory: MemoryUsage
  psi: Pressure | undefined
}

/** What a machine did in a window: the part of a report that is measured. */
export interface WindowFigures {
  windowSeconds: number
  samples: number
  cores: number
  cpu: CpuUsage
  memory: MemoryUsage
  psi?: Pressure
}

// A window this much longer than meant: the machine was suspended or the agent throttled, and the figures are of no
// moment that anybody asked about.
const mostStretch = 3

/**
 * The step from one sample to the next. Undefined if it says nothing: a counter went back (a restarted kernel, a
 * machine moved to another host), no tick has passed, a CPU came or went (the kernel adds up idle time of CPUs that are
 * offline by another rule, so that the sums jump), or the time is far longer than `intervalMs`.
 */
export function stepOf(before: Sample, after: Sample, intervalMs: number): Step | undefined {
  const ms = after.at - before.at
  const busy = after.cpu.busy - before.cpu.busy
  const steal = after.cpu.steal - before.cpu.steal
  const iowait = after.cpu.iowait - before.cpu.iowait
  // The kernel lets idle and iowait of a CPU go back by a tick now and then; as a whole they do not.
  const still = after.cpu.idle - before.cpu.idle + iowait
  const ticks = busy + steal + Math.max(0, still)
  const isStretched = Math.max(ms, sleptMs(before, after)) > mostStretch * intervalMs
  const wentBack = ms <= 0 || busy < 0 || steal < 0 || still < -1
  if (isStretched || wentBack || ticks <= 0 || before.cpu.cores !== after.cpu.cores) return undefined
  const share = (part: number) => Math.min(1, Math.max(0, part / ticks))
  return {
    ms,
    cores: after.cpu.cores,
    busy: share(busy),
    steal: share(steal),
    iowait: share(iowait),
    memory: after.memory,
    psi: pressureOf(before.psi, after.psi, ms),
  }
}

// The monotonic clock stands still while a machine is suspended, its uptime does not.
function sleptMs(before: Sample, after: Sample): number {
  return ((after.uptimeSeconds ?? 0) - (before.uptimeSeconds ?? after.uptimeSeconds ?? 0)) * 1000
}

const microsPerMs = 1000

function pressureOf(before: Sample['psi'], after: Sample['psi'], ms: number): Pressure | undefined {
  if (typeof before === 'string' || typeof after === 'string') return undefined
  if (kinds.some((kind) => after[kind] < before[kind])) return undefined
  return pressureBy((kind) => Math.min(1, (after[kind] - before[kind]) / microsPerMs / ms))
}

/** Sums steps up; means are weighted by time. Undefined without any. */
export function figuresOf(steps: readonly Step[]): WindowFigures | undefined {
  const last = steps.at(-1)
  if (!last) return undefined
  const busy = steps.map((step) => step.busy)
  const psi = meanPressure(steps)
  return {
    windowSeconds: rounded(steps.reduce((sum, { ms }) => sum + ms, 0) / 1000),
    samples: steps.length,
    cores: last.cores,
    cpu: {
      busy: {
        min: rounded(Math.min(...busy)),
        avg: mean(steps, (step) => step.busy),
        max: rounded(Math.max(...busy)),
        last: rounded(last.busy),
      },
      steal: mean(steps, (step) => step.steal),
      iowait: mean(steps, (step) => step.iowait),
    },
    memory: last.memory,
    ...(psi ? { psi } : {}),
  }
}

function meanPressure(steps: readonly Step[]): Pressure | undefined {
  const measured = steps.flatMap(({ ms, psi }) => (psi ? { ms, psi } : []))
  if (measured.length === 0) return undefined
  return pressureBy((kind) => mean(measured, ({ psi }) => psi[kind]))
}

function mean<T extends { ms: number }>(steps: readonly T[], of: (step: T) => number): number {
  const ms = steps.reduce((sum, step) => sum + step.ms, 0)
  return rounded(steps.reduce((sum, step) => sum + of(step) * step.ms, 0) / ms)
}

const kinds = ['cpuSome', 'memorySome', 'memoryFull', 'ioSome', 'ioFull'] as const

function pressureBy(of: (kind: keyof Pressure) => number): Pressure {
  return {
    cpuSome: of('cpuSome'),
    memorySome: of('memorySome'),
    memoryFull: of('memoryFull'),
    ioSome: of('ioSome'),
    ioFull: of('ioFull'),
  }
}

// Six digits are finer than a tick in any window, and keep a weighted mean of ones from coming out above 1.
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
