import t from 'tap'
import { watchGauges } from '../../agent/metrics.ts'
import { virtualClock } from '../fixtures/clock.ts'
import { metricsFixture, sample } from './fixtures/objects.ts'

t.test('gauges are of the moment they are read', async (t) => {
  const clock = virtualClock()
  const { metrics, read } = metricsFixture()
  const sampler: { last: ReturnType<typeof sample> | undefined } = { last: undefined }
  const pusher = { targets: 2, waiting: 5 }
  watchGauges(metrics, { clock, sampler, pusher })
  await clock.advance(7_000)
  t.equal(await read('agent_last_sample_age_seconds'), 7, 'since the start')
  sampler.last = sample({ at: 6_500 })
  t.equal(await read('agent_last_sample_age_seconds'), 0.5)
  t.equal(await read('agent_controllers'), 2)
  t.equal(await read('agent_backlog'), 5)
  pusher.waiting = 0
  t.equal(await read('agent_backlog'), 0)
})

t.test('every result is there from the start, at zero', async (t) => {
  const { registry } = metricsFixture()
  const text = await registry.metrics()
  for (const result of ['accepted', 'rejected', 'refused', 'failed', 'superseded', 'overflowed']) {
    t.match(text, `vpsie_autoscaler_agent_pushes_total{result="${result}"} 0`)
  }
  for (const result of ['taken', 'failed', 'skipped']) {
    t.match(text, `vpsie_autoscaler_agent_samples_total{result="${result}"} 0`)
  }
})
