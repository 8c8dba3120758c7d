/** Bounds how much may be at work at once. */
export interface Budget {
  /** Takes a place and so many bytes; gives how to give them back, or undefined if there is no room. */
  take(bytes: number): (() => void) | undefined
}

export function createBudget({
  maxConcurrent,
  maxBytes,
}: {
  maxConcurrent: number
  maxBytes: number
}): Budget {
  let taken = 0
  let bytesTaken = 0
  return {
    take(bytes) {
      if (taken >= maxConcurrent || bytesTaken + bytes > maxBytes) return undefined
      taken++
      bytesTaken += bytes
      return () => {
        taken--
        bytesTaken -= bytes
      }
    },
  }
}
