import t from 'tap'
import { samplingProblem } from '../../agent/health.ts'
import { virtualClock } from '../fixtures/clock.ts'
import { sample } from './fixtures/objects.ts'

t.test('the agent is to be restarted when no sample came for more than 6 intervals', async (t) => {
  const clock = virtualClock()
  const sampler = { last: sample() }
  const problem = samplingProblem({ clock, sampler }, 5000)
  await clock.advance(30_000)
  t.equal(problem(), undefined)
  await clock.advance(1_000)
  t.equal(problem(), 'no sample for 31.0 s: must be one every 5 s')
  sampler.last = sample({ at: clock.monotonic() })
  t.equal(problem(), undefined)
})

t.test('a first sample that never comes counts from the start', async (t) => {
  const clock = virtualClock()
  await clock.advance(100_000)
  const problem = samplingProblem({ clock, sampler: { last: undefined } }, 1000)
  await clock.advance(6_000)
  t.equal(problem(), undefined)
  await clock.advance(1)
  t.match(problem(), /^no sample for 6\.0 s/)
})
