/**
 * Milliseconds that a `Retry-After` header asks to wait, seen at `now` (milliseconds since the epoch): seconds or an HTTP
 * date, RFC 9110 section 10.2.3. Undefined for anything else, as if it were absent; a date that is over is 0.
 */
export function readRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}
