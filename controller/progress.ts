/** When each loop finished its last pass: what liveness is judged by. */
export interface Progress {
  passed(loop: string, atMs: number): void
  /** A sentence about a loop that has been silent for longer than `limitMs`; undefined while all is well. */
  stuck(nowMs: number, limitMs: number): string | undefined
  /** Forgets all loops: they have ended, which is no reason to restart. */
  ended(): void
}

/** Makes an empty record. Times are of a monotonic clock, in milliseconds. */
export function createProgress(): Progress {
  const last = new Map<string, number>()
  return {
    passed: (loop, atMs) => void last.set(loop, atMs),
    stuck(nowMs, limitMs) {
      for (const [loop, at] of last) {
        if (nowMs - at > limitMs)
          return `loop ${loop} has not finished a pass for ${Math.round((nowMs - at) / 1000)} s`
      }
      return undefined
    },
    ended: () => last.clear(),
  }
}
