import t from 'tap'
import { createEventRecorder, eventMetrics } from '../../../common/kube/events.ts'
import { createMetrics, Registry } from '../../../common/metrics.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { captureLog } from '../../fixtures/log.ts'
import { pod } from '../../fixtures/objects.ts'

t.test('stopping waits three seconds for all events that wait, however many', async (t) => {
  const clock = virtualClock()
  let tried = 0
  const hangs = (_: unknown, __: unknown, ...rest: unknown[]) => {
    tried++
    return clock.sleep(Number.POSITIVE_INFINITY, rest.at(-1) as AbortSignal) as Promise<never>
  }
  const client = {
    create: (_: unknown, __: unknown, signal: AbortSignal) => hangs(_, __, signal),
    patch: hangs,
  }
  const metrics = createMetrics(new Registry(), eventMetrics)
  const deps = { client, clock, log: captureLog().log, metrics } as unknown as Parameters<
    typeof createEventRecorder
  >[0]
  const { signal } = new AbortController()
  const recorder = createEventRecorder(deps, { component: 'test', instance: 'test' }, signal)
  for (let i = 0; i < 50; i++) recorder.record(pod(`p-${i}`), 'Normal', 'Reason', 'message')
  let stopped = false
  const stopping = recorder.stop().then(() => {
    stopped = true
  })
  await clock.advance(3_000)
  t.equal(stopped, true)
  t.ok(tried <= 3, `${tried} calls`)
  await stopping
  const { values } = await metrics.events_dropped_total.get()
  t.ok(
    values.some(({ labels, value }) => labels.cause === 'error' && value > 0),
    'what could not be sent is counted',
  )
})
