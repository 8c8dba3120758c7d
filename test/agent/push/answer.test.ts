import t from 'tap'
import { paceOf } from '../../../agent/push/answer.ts'
import { TerminalError, TransientError } from '../../../common/errors.ts'

const now = Date.parse('2026-02-01T00:00:00Z')
const answer = (status: number, text = '', retryAfter?: string) =>
  paceOf(
    '10.0.0.1:8443',
    { status, text, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter } },
    now,
  )

for (const [text, pace] of [
  ['{"nextReportSeconds": 20}', 20_000],
  ['{"nextReportSeconds": 0.1}', 100],
  ['{"nextReportSeconds": 600}', 600_000],
  ['{"nextReportSeconds": 0}', undefined],
  ['{"nextReportSeconds": 601}', undefined],
  ['{"nextReportSeconds": "soon"}', undefined],
  ['{}', undefined],
  ['null', undefined],
  ['', undefined],
  ['<html>', undefined],
] as const) {
  t.test(`202 with ${text || 'nothing'} asks for ${pace ?? 'no pace'}`, async (t) => {
    t.equal(answer(202, text), pace)
  })
}

for (const [status, type, code] of [
  [400, TerminalError, 'BadInput'],
  [401, TerminalError, 'Unauthorized'],
  [403, TerminalError, 'Forbidden'],
  [404, TerminalError, 'Refused'],
  [409, TerminalError, 'Conflict'],
  [413, TerminalError, 'Refused'],
  [200, TerminalError, 'Refused'],
  [301, TerminalError, 'Refused'],
  [408, TransientError, 'Timeout'],
  [429, TransientError, 'Throttled'],
  [500, TransientError, 'ServerError'],
  [503, TransientError, 'ServerError'],
] as const) {
  t.test(`${status} is a ${type.name} ${code}`, async (t) => {
    t.throws(() => answer(status, '{"error":"why"}'), {
      name: type.name,
      code,
      status,
      message: `controller 10.0.0.1:8443 answered ${status}: why`,
    })
  })
}

for (const [retryAfter, ms] of [
  ['7', 7_000],
  ['0', undefined],
  ['Sun, 01 Feb 2026 00:00:30 GMT', 30_000],
  ['Sat, 31 Jan 2026 00:00:00 GMT', undefined],
  ['86400', 600_000],
  ['later', undefined],
  [undefined, undefined],
] as const) {
  t.test(`Retry-After ${retryAfter} is ${ms ?? 'no'} ms`, async (t) => {
    const error = (() => {
      try {
        return answer(503, '', retryAfter)
      } catch (thrown) {
        return thrown
      }
    })()
    t.ok(error instanceof TransientError)
    t.equal((error as TransientError).retryAfterMs, ms)
  })
}

t.test('a text that is no message of ours is not repeated', async (t) => {
  t.throws(() => answer(400, 'you sent: Bearer abc'), { message: 'controller 10.0.0.1:8443 answered 400' })
})
