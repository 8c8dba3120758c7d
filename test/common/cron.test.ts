import t from 'tap'
import { isTimeZone, lastStart, parseCron } from '../../common/cron.ts'

const hour = 3_600_000
const at = (text: string) => Date.parse(text)

const cases: { title: string; cron: string; zone?: string; now: string; start: string | undefined }[] = [
  {
    title: 'the minute itself',
    cron: '0 3 * * *',
    now: '2026-01-01T03:00:30Z',
    start: '2026-01-01T03:00:00Z',
  },
  { title: 'earlier today', cron: '0 3 * * *', now: '2026-01-01T05:00:00Z', start: '2026-01-01T03:00:00Z' },
  { title: 'too long ago', cron: '0 3 * * *', now: '2026-01-02T03:00:00Z', start: '2026-01-02T03:00:00Z' },
  { title: 'not yet', cron: '0 3 * * *', now: '2026-01-02T02:59:59Z', start: undefined },
  { title: 'steps', cron: '*/20 * * * *', now: '2026-01-01T05:59:00Z', start: '2026-01-01T05:40:00Z' },
  {
    title: 'ranges of named days (1 January 2026 is a Thursday)',
    cron: '0 3 * * mon-wed',
    now: '2026-01-01T05:00:00Z',
    start: undefined,
  },
  { title: '7 is Sunday too', cron: '0 3 * * 7', now: '2026-01-04T05:00:00Z', start: '2026-01-04T03:00:00Z' },
  {
    title: 'either kind of day, when both are named',
    cron: '0 3 1 * mon',
    now: '2026-01-01T05:00:00Z',
    start: '2026-01-01T03:00:00Z',
  },
  {
    title: 'another time zone',
    cron: '0 3 * * *',
    zone: 'Asia/Tokyo',
    now: '2026-01-01T20:00:00Z',
    start: '2026-01-01T18:00:00Z',
  },
  {
    title: 'summer time',
    cron: '0 3 * * *',
    zone: 'Europe/Berlin',
    now: '2026-07-01T02:00:00Z',
    start: '2026-07-01T01:00:00Z',
  },
]

for (const { title, cron, zone = 'UTC', now, start } of cases) {
  t.test(`the last start within 12 hours: ${title}`, async (t) => {
    t.equal(lastStart(parseCron(cron, 'schedule'), zone, at(now), 12 * hour), start && at(start))
  })
}

for (const cron of [
  '* * * *',
  '60 * * * *',
  '0 0 31 2 *',
  '0 0 31 feb,apr *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 8',
  '5-1 * * * *',
  '*/0 * * * *',
  'x * * * *',
]) {
  t.test(`refuses "${cron}"`, async (t) => {
    t.throws(() => parseCron(cron, 'spec.schedule'), /^spec\.schedule: must have/)
  })
}

t.test('knows time zones', async (t) => {
  t.equal(isTimeZone('Europe/Berlin'), true)
  t.equal(isTimeZone('Europe/Atlantis'), false)
})
