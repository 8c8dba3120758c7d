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
 * The step from one sample to the next. Undefined if it says nothing: a counter went back (a restarted kernel, a CPU
 * taken away), no tick has passed, or the time is far longer than `intervalMs`.
 */
export function stepOf(before: Sample, after: Sample, intervalMs: number): Step | undefined {
  const ms = after.at - before.at
  const busy = after.cpu.busy - before.cpu.busy
  const idle = after.cpu.idle - before.cpu.idle
  const iowait = after.cpu.iowait - before.cpu.iowait
  const steal = after.cpu.steal - before.cpu.steal
  // The kernel lets idle and iowait of a CPU go back by a tick now and then; as a whole they do not.
  const ticks = busy + steal + Math.max(0, idle + iowait)
  if (ms <= 0 || ms > mostStretch * intervalMs || busy < 0 || steal < 0 || idle + iowait < -1 || ticks <= 0) {
    return undefined
  }
  const share = (part: number) => Math.min(1, Math.max(0, part / ticks))
  return {
    ms,
    cores: after.cpu.cores,
    busy: share(busy),
    steal: share(steal),
    iowait: share(iowait),
    memory: after.memory,
    psi: before.psi && after.psi && pressureOf(before.psi, after.psi, ms),
  }
}

function pressureOf(before: Pressure, after: Pressure, ms: number): Pressure {
  // The totals are microseconds.
  const share = (name: keyof Pressure) => Math.min(1, Math.max(0, (after[name] - before[name]) / 1000 / ms))
  return {
    cpuSome: share('cpuSome'),
    memorySome: share('memorySome'),
    memoryFull: share('memoryFull'),
    ioSome: share('ioSome'),
    ioFull: share('ioFull'),
  }
}

/** Sums steps up; means are weighted by time. Undefined without any. */
export function figuresOf(steps: readonly Step[]): WindowFigures | undefined {
  const last = steps.at(-1)
  if (!last) return undefined
  const ms = steps.reduce((sum, step) => sum + step.ms, 0)
  const mean = (of: (step: Step) => number) => steps.reduce((sum, step) => sum + of(step) * step.ms, 0) / ms
  const busy = steps.map((step) => step.busy)
  const psi = steps.every((step) => step.psi) ? meanPressure(mean) : undefined
  return {
    windowSeconds: ms / 1000,
    samples: steps.length,
    cores: last.cores,
    cpu: {
      busy: {
        min: Math.min(...busy),
        avg: mean((step) => step.busy),
        max: Math.max(...busy),
        last: last.busy,
      },
      steal: mean((step) => step.steal),
      iowait: mean((step) => step.iowait),
    },
    memory: last.memory,
    ...(psi ? { psi } : {}),
  }
}

function meanPressure(mean: (of: (step: Step) => number) => number): Pressure {
  const of = (name: keyof Pressure) => mean(({ psi }) => psi?.[name] ?? 0)
  return {
    cpuSome: of('cpuSome'),
    memorySome: of('memorySome'),
    memoryFull: of('memoryFull'),
    ioSome: of('ioSome'),
    ioFull: of('ioFull'),
  }
}
