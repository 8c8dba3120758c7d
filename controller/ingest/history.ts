import type { Report } from '../../common/report.ts'

/** The longest window that can be asked for: the largest stabilizationWindowSeconds. */
export const longestWindowMs = 3_600_000
// A bucket is never shorter, so that an hour of them stays a small, fixed amount of memory.
const shortestBucketMs = 1000

/** Figures of a window of the past. */
export interface WindowUsage {
  /** Means over the time that reports speak of, in percent of the machine. */
  cpuPercent: number
  memoryPercent: number
  /** Highest share in the window, 0–1. */
  memoryFull: number
  /** Share of the window that reports speak of, 0–1. */
  coverage: number
  /** Since when neither figure of a bucket has been above its limit; the start of the window at the earliest. */
  since: number
}

/** Means over a part of the past, in percent of the machine. */
export type UsagePoint = Pick<WindowUsage, 'cpuPercent' | 'memoryPercent'>

/**
 * The reports of one node over the last hour, in buckets of one report interval: a fixed amount of memory, taken at
 * once. Times are milliseconds of a clock that never goes back, whose zero has no meaning.
 */
export class UsageHistory {
  readonly #bucketMs: number
  readonly #count: number
  readonly #start: Float64Array
  /** Milliseconds of the bucket that reports speak of. */
  readonly #covered: Float64Array
  readonly #cpu: Float64Array
  readonly #memory: Float64Array
  readonly #memoryFull: Float64Array

  constructor(reportIntervalMs: number) {
    this.#bucketMs = Math.max(shortestBucketMs, reportIntervalMs)
    this.#count = Math.ceil(longestWindowMs / this.#bucketMs) + 1
    const column = () => new Float64Array(this.#count)
    this.#start = column().fill(Number.NEGATIVE_INFINITY)
    this.#covered = column()
    this.#cpu = column()
    this.#memory = column()
    this.#memoryFull = column()
  }

  /** Adds a report that arrived at `now` and speaks of the `spanMs` before. */
  add(report: Report, now: number, spanMs: number): void {
    for (let at = now - spanMs; at < now; ) {
      const start = Math.floor(at / this.#bucketMs) * this.#bucketMs
      const end = Math.min(now, start + this.#bucketMs)
      this.#addTo(start, end - at, report)
      at = end
    }
  }

  #addTo(start: number, ms: number, { cpu, memory, psi }: Report): void {
    // Before the clock's zero too: a report may speak of more time than has passed since the start.
    const i = (((start / this.#bucketMs) % this.#count) + this.#count) % this.#count
    if (this.#start[i] !== start) {
      this.#start[i] = start
      for (const column of [this.#covered, this.#cpu, this.#memory, this.#memoryFull]) column[i] = 0
    }
    const covered = Math.min(this.#bucketMs, at(this.#covered, i) + ms)
    const weight = Math.min(1, ms / covered)
    this.#covered[i] = covered
    this.#cpu[i] = mean(at(this.#cpu, i), cpu.busy.avg * 100, weight)
    this.#memory[i] = mean(at(this.#memory, i), (memory.workingSetBytes / memory.totalBytes) * 100, weight)
    this.#memoryFull[i] = Math.max(at(this.#memoryFull, i), psi?.memoryFull ?? 0)
  }

  /** What is known of the `windowMs` before `now`; undefined if nothing. A window has at least one bucket. */
  read(
    now: number,
    windowMs: number,
    limits: { cpuPercent: number; memoryPercent: number },
  ): WindowUsage | undefined {
    const span = Math.min(Math.max(windowMs, this.#bucketMs), longestWindowMs)
    const from = now - span
    let [covered, cpu, memory, memoryFull, since] = [0, 0, 0, 0, from]
    for (let i = 0; i < this.#count; i++) {
      const inside = this.#inside(i, from, now)
      if (inside === 0) continue
      covered += inside
      cpu += at(this.#cpu, i) * inside
      memory += at(this.#memory, i) * inside
      memoryFull = Math.max(memoryFull, at(this.#memoryFull, i))
      const isAbove = at(this.#cpu, i) > limits.cpuPercent || at(this.#memory, i) > limits.memoryPercent
      if (isAbove) since = Math.max(since, Math.min(now, at(this.#start, i) + this.#bucketMs))
    }
    if (covered === 0) return undefined
    const coverage = Math.min(1, covered / span)
    return { cpuPercent: cpu / covered, memoryPercent: memory / covered, memoryFull, coverage, since }
  }

  /** Means of `parts` equal parts of the last hour before `now`, oldest first; undefined where nothing was reported. */
  series(now: number, parts: number): (UsagePoint | undefined)[] {
    const partMs = longestWindowMs / parts
    return Array.from({ length: parts }, (_, part) => {
      const from = now - longestWindowMs + part * partMs
      let [covered, cpu, memory] = [0, 0, 0]
      for (let i = 0; i < this.#count; i++) {
        const inside = this.#inside(i, from, from + partMs)
        covered += inside
        cpu += at(this.#cpu, i) * inside
        memory += at(this.#memory, i) * inside
      }
      return covered > 0 ? { cpuPercent: cpu / covered, memoryPercent: memory / covered } : undefined
    })
  }

  /** Covered milliseconds of a bucket that lie in the window; of one that is partly outside, its share. */
  #inside(i: number, from: number, now: number): number {
    const start = at(this.#start, i)
    const end = Math.min(now, start + this.#bucketMs)
    const overlap = end - Math.max(start, from)
    return overlap > 0 && end > start ? (at(this.#covered, i) * overlap) / (end - start) : 0
  }
}

function mean(before: number, value: number, weight: number): number {
  return before + (value - before) * weight
}

// Every index is inside: typed arrays only seem to have holes.
function at(column: Float64Array, index: number): number {
  return column[index] ?? 0
}
