import t from 'tap'
import { TerminalError } from '../../../common/errors.ts'
import { openEnvelope } from '../../../controller/vpsie/envelope.ts'

interface Case {
  status: number
  body: string
  code: string
  /** Refused for good, so that nothing was done. */
  terminal: boolean
}

const says = (fields: object) => JSON.stringify(fields)

const cases: Case[] = [
  {
    status: 500,
    body: says({
      error: true,
      code: 500,
      message: 'Worker nodes count exceeds the allowed limit 5',
      type: false,
    }),
    code: 'Quota',
    terminal: true,
  },
  { status: 200, body: says({ error: true, message: 'Quota Exceeded' }), code: 'Quota', terminal: true },
  {
    status: 500,
    body: says({ error: true, message: 'Your plan does not allow this' }),
    code: 'Quota',
    terminal: true,
  },
  {
    status: 500,
    body: says({ error: true, message: 'Rate limit reached' }),
    code: 'Throttled',
    terminal: false,
  },
  {
    status: 400,
    body: says({ error: true, message: 'Group GRP-1 has same selected Size, please select another size' }),
    code: 'AlreadyExists',
    terminal: true,
  },
  { status: 500, body: says({ error: true, message: 'Node not found' }), code: 'NotFound', terminal: true },
  {
    status: 500,
    body: says({ error: true, message: 'It was lost in the clouds' }),
    code: 'Refused',
    terminal: true,
  },
  {
    status: 500,
    body: says({ error: true, message: 'No capacity available for size small' }),
    code: 'OutOfStock',
    terminal: true,
  },
  {
    status: 200,
    body: says({ error: true, message: 'Insufficient balance' }),
    code: 'InsufficientFunds',
    terminal: true,
  },
  {
    status: 401,
    body: says({ error: true, message: 'quota exceeded' }),
    code: 'Unauthorized',
    terminal: true,
  },
  { status: 500, body: says({ error: 'Invalid API token' }), code: 'Unauthorized', terminal: true },
  { status: 200, body: says({ error: 1, code: '404', message: 'gone' }), code: 'NotFound', terminal: true },
  {
    status: 200,
    body: says({ error: true, message: 'a reason nobody knows' }),
    code: 'Refused',
    terminal: true,
  },
  {
    status: 200,
    body: says({ error: true, code: 503, message: 'a reason nobody knows' }),
    code: 'ServerError',
    terminal: false,
  },
  {
    status: 500,
    body: says({ error: true, message: 'a reason nobody knows' }),
    code: 'ServerError',
    terminal: false,
  },
  { status: 502, body: '<html>bad gateway</html>', code: 'ServerError', terminal: false },
  { status: 408, body: '', code: 'Timeout', terminal: false },
  { status: 429, body: '', code: 'Throttled', terminal: false },
  { status: 307, body: '', code: 'BadReply', terminal: false },
  { status: 418, body: '', code: 'Refused', terminal: true },
  { status: 200, body: '[]', code: 'BadReply', terminal: false },
]

for (const { status, body, code, terminal } of cases) {
  t.test(`${status} ${body} is ${code}, ${terminal ? 'for good' : 'for now'}`, async (t) => {
    try {
      openEnvelope('addWorker', { status, body, retryAfterMs: undefined }, [])
      t.fail('it was taken for a success')
    } catch (error) {
      t.match(error, { code, status })
      t.equal(error instanceof TerminalError, terminal)
    }
  })
}

for (const body of [
  '',
  ' ',
  says({}),
  says({ error: false, data: 1 }),
  says({ error: 'false' }),
  says({ error: 0 }),
  says({ error: null }),
]) {
  t.test(`200 "${body}" is a success`, async () => {
    openEnvelope('addWorker', { status: 200, body, retryAfterMs: undefined }, [])
  })
}

t.test("VPSie's message is quoted on one line, cut, and without secrets", async (t) => {
  const body = says({ error: true, message: `no\n${'x'.repeat(500)}` })
  t.throws(() => openEnvelope('op', { status: 400, body, retryAfterMs: undefined }, []), {
    message: /^op: VPSie answered 400: no x{197}$/,
  })
  const quoting = says({ error: true, message: 'bad token hush' })
  t.throws(() => openEnvelope('op', { status: 400, body: quoting, retryAfterMs: undefined }, ['hush']), {
    message: /bad token \[redacted\]$/,
  })
})
