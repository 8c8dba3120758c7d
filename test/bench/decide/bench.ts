/** What one benchmark has measured. */
export interface Measured {
  /** Nodes of the plan, or of what the benchmark is about. */
  nodes: number
  removed?: number
  /** Price of the plan's new nodes an hour. */
  hourlyPrice?: number
  /** Median of the runs, each from what the API server would have told to the finished plan. */
  decideMs: number
  /** One sentence more for people. */
  note?: string
}

/** One benchmark: a workload, what must come of it, and what the peer needs for the same on two cores. */
export interface Bench {
  name: string
  peer: string
  /** Milliseconds, measured on a machine with two cores; null where the peer has nothing alike. */
  peerMs: number | null
  /** What is wrong with the outcome throws; a figure for a wrong plan is worth nothing. */
  run(): Measured | Promise<Measured>
}

/** A line of the result, as `--json` prints it. */
export interface Result extends Measured {
  name: string
  peerMs: number | null
  rssMB: number
}

const runs = 9

interface TimingOptions<P> {
  /** Makes what one run works on; not timed. */
  prepare?: () => P
  warmUps?: number
}

/**
 * Times `work` after some runs to warm up, and gives the median in milliseconds with the last value. The runs follow
 * one another as a controller's decisions do: each pays for garbage of those before.
 */
export function timed<T, P = undefined>(
  work: (prepared: P) => T,
  { prepare, warmUps = 3 }: TimingOptions<P> = {},
): { ms: number; value: T } {
  const made = () => prepare?.() as P
  let value = work(made())
  for (let i = 1; i < warmUps; i++) value = work(made())
  const times = Array.from({ length: runs }, () => {
    const prepared = made()
    const started = performance.now()
    value = work(prepared)
    return performance.now() - started
  })
  const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
  return { ms: Math.round(median * 100) / 100, value }
}
