import { InputError } from './errors.ts'

/** A parsed cron expression: which minutes, hours, days of the month, months and days of the week it names. */
export interface Cron {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>
  /** Both kinds of days are restricted: then either may match, as in every cron since Vixie's. */
  readonly eitherDay: boolean
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/**
 * Parses five fields (minute, hour, day of month, month, day of week) with lists, ranges, steps and English names.
 * Throws `InputError` naming `path`, also for a day that no month has, which would never come.
 */
export function parseCron(text: string, path: string): Cron {
  const fields = text.trim().split(/\s+/)
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields
  if (fields.length !== 5) throw new InputError(path, `must have five fields: current value is "${text}"`)
  const ofWeek = parseField(weekday, 0, 7, weekdays, 0, path)
  const cron = {
    minutes: parseField(minute, 0, 59, [], 0, path),
    hours: parseField(hour, 0, 23, [], 0, path),
    days: parseField(day, 1, 31, [], 1, path),
    months: parseField(month, 1, 12, months, 1, path),
    weekdays: new Set([...ofWeek].map((value) => value % 7)),
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
  }
  if (!cron.eitherDay && !isDayOfSome(cron.months, cron.days))
    throw new InputError(path, `must have a day that comes in one of its months: current value is "${text}"`)
  return cron
}

// Of a leap year.
const daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function isDayOfSome(months: ReadonlySet<number>, days: ReadonlySet<number>): boolean {
  const first = Math.min(...days)
  return [...months].some((month) => first <= (daysOfMonth[month - 1] ?? 0))
}

function parseField(
  field: string,
  min: number,
  max: number,
  names: readonly string[],
  first: number,
  path: string,
): Set<number> {
  const found = new Set<number>()
  for (const part of field.split(',')) {
    const [, range = '', step = '1'] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? []
    const [low, high] = bounds(range, part.includes('/'), min, max, (text) => numberOf(text, names, first))
    if (!(low >= min && high <= max && low <= high && Number(step) > 0)) {
      throw new InputError(path, `must have values ${min} to ${max}: current value is "${part}"`)
    }
    for (let value = low; value <= high; value += Number(step)) found.add(value)
  }
  return found
}

function bounds(
  range: string,
  stepped: boolean,
  min: number,
  max: number,
  value: (text: string) => number,
): [number, number] {
  if (range === '*') return [min, max]
  const [low = '', high] = range.split('-')
  return [value(low), high === undefined ? (stepped ? max : value(low)) : value(high)]
}

function numberOf(text: string, names: readonly string[], first: number): number {
  const named = names.indexOf(text.toLowerCase())
  if (named >= 0) return named + first
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** The latest start of the schedule in (now − within, now], in ms; undefined if there is none. */
export function lastStart(cron: Cron, timeZone: string, now: number, withinMs: number): number | undefined {
  const local = localTime(timeZone)
  const last = Math.floor(now / minuteMs) * minuteMs
  for (let at = last; at > now - withinMs; at -= minuteMs) {
    if (matches(cron, local(at))) return at
  }
  return undefined
}

function matches(cron: Cron, at: Date): boolean {
  if (!cron.minutes.has(at.getUTCMinutes()) || !cron.hours.has(at.getUTCHours())) return false
  if (!cron.months.has(at.getUTCMonth() + 1)) return false
  const day = cron.days.has(at.getUTCDate())
  const weekday = cron.weekdays.has(at.getUTCDay())
  return cron.eitherDay ? day || weekday : day && weekday
}

/** A Date whose UTC fields show the time zone's clock. The offset is asked once an hour: it changes on the hour. */
function localTime(timeZone: string): (at: number) => Date {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  let known = Number.NaN
  let offset = 0
  return (at) => {
    const hour = Math.floor(at / hourMs)
    if (hour !== known) {
      const part = Object.fromEntries(
        format.formatToParts(hour * hourMs).map(({ type, value }) => [type, Number(value)]),
      )
      const { year = 0, month = 1, day = 1, hour: clock = 0, minute = 0 } = part
      offset = Date.UTC(year, month - 1, day, clock, minute) - hour * hourMs
      known = hour
    }
    return new Date(at + offset)
  }
}

// Asking the runtime takes 30 µs. Letter case is free, so the number of names is bounded here.
const knownZones = new Set<string>()
const mostZones = 1000

/** True if the runtime knows the IANA time zone. */
export function isTimeZone(timeZone: string): boolean {
  if (knownZones.has(timeZone)) return true
  try {
    new Intl.DateTimeFormat('en-US', { timeZone })
    if (knownZones.size < mostZones) knownZones.add(timeZone)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
