import t from 'tap'
import { createRateLimit } from '../../../controller/token/rate.ts'
import { virtualClock } from '../../fixtures/clock.ts'

t.test('a burst is let through, then one each spacing, and who waits is told how long', async (t) => {
  const clock = virtualClock()
  const admit = createRateLimit({ clock }, { spacingMs: 1000, burst: 3, maxKeys: 10 })
  t.same([admit('a'), admit('a'), admit('a'), admit('a')], [0, 0, 0, 1000])
  await clock.advance(400)
  t.equal(admit('a'), 600)
  await clock.advance(600)
  t.same([admit('a'), admit('a')], [0, 1000])
  await clock.advance(60_000)
  t.same(
    [admit('a'), admit('a'), admit('a'), admit('a')],
    [0, 0, 0, 1000],
    'no more than a burst is saved up',
  )
})

t.test('one key does not wait for another', async (t) => {
  const admit = createRateLimit({ clock: virtualClock() }, { spacingMs: 1000, burst: 1, maxKeys: 10 })
  t.same([admit('a'), admit('a'), admit('b')], [0, 1000, 0])
})

t.test('of too many keys the one that was silent longest is forgotten', async (t) => {
  const admit = createRateLimit({ clock: virtualClock() }, { spacingMs: 1000, burst: 1, maxKeys: 2 })
  admit('a')
  admit('b')
  t.equal(admit('a'), 1000)
  admit('c')
  t.same([admit('a'), admit('b')], [1000, 0])
})
