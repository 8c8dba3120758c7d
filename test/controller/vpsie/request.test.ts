import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createTransport } from '../../../controller/vpsie/request.ts'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { virtualClock } from '../../fixtures/clock.ts'

t.test('a deadline that passes after an early reply disturbs nobody', async (t) => {
  const files = await makeCertificates()
  t.teardown(() => files.remove())
  // It answers before it has read the request, so that the request is never quite over.
  const server = createServer({ cert: files.leaf.certificate, key: files.leaf.key }, (_, response) => {
    response.end('{"error":true}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => server.close())
  const clock = virtualClock()
  const transport = createTransport(
    { clock },
    { caFile: files.caFile, connectMs: 5000, requestMs: 2000, maxReplyBytes: 1000 },
  )
  t.teardown(() => transport.close())
  const { port } = server.address() as AddressInfo
  const request = {
    method: 'POST' as const,
    url: `https://127.0.0.1:${port}/`,
    headers: {},
    fresh: false,
    json: { filler: 'x'.repeat(20_000_000) },
  }
  const { status } = await transport.send(request, new AbortController().signal)
  t.equal(status, 200)
  // An error that nobody hears would end the process, and with it this test.
  await clock.advance(10_000)
})
