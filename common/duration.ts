import { InputError } from './errors.ts'

const unitsMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const form = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/

/** Milliseconds of a duration as Go's flags write it ("90s", "1h30m", "500ms", "0"). Throws `InputError`. */
export function parseDuration(text: string, path: string): number {
  if (text.trim() === '0') return 0
  if (!form.test(text)) {
    throw new InputError(
      path,
      `must be a duration such as "15s", "10m" or "1h30m": current value is "${text}"`,
    )
  }
  let total = 0
  for (const [, number = '0', unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(number) * (unitsMs[unit] ?? 0)
  }
  return total
}

/** A duration in milliseconds as people write it: 5 400 000 is "1h30m", 1500 is "1.5s", 40 is "40ms". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${Math.round(ms / 100) / 10}s`
  const seconds = Math.round(ms / 1000)
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const
  return parts
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value}${unit}`)
    .join('')
}
