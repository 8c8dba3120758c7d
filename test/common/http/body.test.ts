import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { systemClock } from '../../../common/clock.ts'
import { readJson } from '../../../common/http/body.ts'
import { sendError, sendJson } from '../../../common/http/reply.ts'
import { startServer } from '../../../common/http/server.ts'
import { call } from '../../fixtures/http.ts'
import { captureLog } from '../../fixtures/log.ts'

async function start(t: Test, limits = { maxBytes: 100, timeoutMs: 5_000 }) {
  const { log } = captureLog()
  const abort = new AbortController()
  const errors: unknown[] = []
  const handler = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      sendJson(response, 200, { got: await readJson({ clock: systemClock }, request, limits, abort.signal) })
    } catch (error) {
      errors.push(error)
      if (!sendError(response, error)) throw error
    }
  }
  const options = { name: 'test', address: '127.0.0.1:0', handler }
  const server = await startServer({ log, clock: systemClock }, options, new AbortController().signal)
  t.teardown(() => server.stop({ lameDuckMs: 0, graceMs: 0 }))
  return { port: server.port, abort, errors }
}

const json = { 'content-type': 'application/json' }
const cases: [string, number, string | Buffer, Record<string, string>][] = [
  ['JSON is read', 200, '{"a":[1]}', json],
  [
    'parameters and capitals of the media type are taken',
    200,
    '{}',
    { 'content-type': 'Application/JSON; charset=utf-8' },
  ],
  ['another media type is refused', 415, '{}', { 'content-type': 'text/json' }],
  ['a missing media type is refused', 415, '{}', {}],
  ['a compressed body is refused', 415, '{}', { ...json, 'content-encoding': 'gzip' }],
  ['a body of exactly the cap is read', 200, JSON.stringify('x'.repeat(98)), json],
  ['a body a byte above the cap is refused', 413, JSON.stringify('x'.repeat(99)), json],
  [
    'a body above the cap without a length is refused',
    413,
    'x'.repeat(101),
    { ...json, 'transfer-encoding': 'chunked' },
  ],
  ['no JSON is refused', 400, '{"a":', json],
  ['an empty body is refused', 400, '', json],
  ['bytes that are no UTF-8 are refused', 400, Buffer.from([0x22, 0xff, 0x22]), json],
]
for (const [title, status, body, headers] of cases) {
  t.test(`${title}: ${status}`, async (t) => {
    const { port } = await start(t)
    const reply = await call({ port, body, headers })
    t.equal(reply.status, status)
    if (status === 200) t.same(JSON.parse(reply.body), { got: JSON.parse(body.toString()) })
    else t.type(JSON.parse(reply.body).error, 'string')
  })
}

t.test('the refusal of a body does not quote it', async (t) => {
  const { port } = await start(t)
  const reply = await call({ port, body: '{"password": hunter2}', headers: json })
  t.notMatch(reply.body, /hunter2/)
})

t.test('a body that does not arrive in time is refused with 408 and the connection closed', async (t) => {
  const { port } = await start(t, { maxBytes: 100, timeoutMs: 20 })
  const socket = connect(port, '127.0.0.1')
  socket.write(
    'POST / HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
  )
  let reply = ''
  for await (const chunk of socket) reply += chunk
  t.match(reply, /^HTTP\/1.1 408[\s\S]*connection: close/i)
})

t.test('a body that is cut off is an error of status 400', async (t) => {
  const { port, errors } = await start(t)
  const socket = connect(port, '127.0.0.1')
  socket.write(
    'POST / HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
  )
  await systemClock.sleep(10)
  socket.destroy()
  while (errors.length === 0) await systemClock.sleep(1)
  t.match(errors, [{ status: 400 }])
})

t.test('reading ends with the signal and its reason', async (t) => {
  const { port, abort, errors } = await start(t)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(
    'POST / HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
  )
  await systemClock.sleep(10)
  abort.abort(new Error('stop'))
  while (errors.length === 0) await systemClock.sleep(1)
  t.match(errors, [{ message: 'stop' }])
  socket.destroy()
})
