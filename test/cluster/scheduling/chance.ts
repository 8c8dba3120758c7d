/** Draws that are the same for the same seed. */
export interface Chance {
  /** A whole number from 0 up to below `limit`. */
  below(limit: number): number
  /** True `percent` times in a hundred. */
  happens(percent: number): boolean
  of<T>(items: readonly T[]): T
  /** Up to `most` different items. */
  some<T>(items: readonly T[], most: number): T[]
}

/** mulberry32. */
export function chanceOf(seed: number): Chance {
  let at = seed
  const next = () => {
    at = (at + 0x6d2b79f5) | 0
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    happens: (percent) => next() * 100 < percent,
    of: (items) => items[below(items.length)] as (typeof items)[number],
    some(items, most) {
      const left = [...items]
      return Array.from(
        { length: below(Math.min(most, items.length) + 1) },
        () => left.splice(below(left.length), 1)[0],
      ).filter((item) => item !== undefined)
    },
  }
}
