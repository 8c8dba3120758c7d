/** Where progress is told, and by which clock. */
export interface ProgressDeps {
  err(text: string): void
  /** Whether `err` is read by a person at a terminal; otherwise nothing is told. */
  readonly isTerminal: boolean
  monotonic(): number
}

/** Tells a person what a long piece of work is at. */
export interface Progress {
  at(what: string): void
  done(): void
}

// Work that is done by then needs no word.
const patienceMs = 2000
const everyMs = 250

/** Writes one line, over and over, from two seconds on, and wipes it at the end. */
export function createProgress({ err, isTerminal, monotonic }: ProgressDeps): Progress {
  const started = monotonic()
  let told = Number.NEGATIVE_INFINITY
  return {
    at(what) {
      if (!isTerminal) return
      const now = monotonic()
      if (now - started < patienceMs || now - told < everyMs) return
      told = now
      err(`\r\x1b[K${what}, ${Math.round((now - started) / 1000)} s`)
    },
    done() {
      if (Number.isFinite(told)) err('\r\x1b[K')
    },
  }
}
