import t from 'tap'
import { createMemory } from '../../../controller/nodes/memory.ts'
import { virtualClock } from '../../fixtures/clock.ts'

t.test('patience counts from the first time somebody asks, and anew once it is forgotten', async (t) => {
  const clock = virtualClock()
  const { patience, forget } = createMemory(clock)
  t.equal(patience('a'), 0)
  await clock.advance(5000)
  t.strictSame([patience('a'), patience('b')], [5000, 0])
  forget('a')
  t.equal(patience('a'), 0)
})

t.test('a wall clock that jumps changes no patience', async (t) => {
  const clock = virtualClock()
  const { patience } = createMemory({ monotonic: clock.monotonic })
  patience('a')
  await clock.advance(1000)
  t.equal(patience('a'), 1000)
})

t.test('machines that were seen are remembered for an hour, each cluster for itself', async (t) => {
  const clock = virtualClock()
  const { note, noted } = createMemory(clock)
  note('one', ['m-1'])
  await clock.advance(1_800_000)
  note('one', ['m-2'])
  t.strictSame([...noted('one')], ['m-1', 'm-2'])
  t.strictSame([...noted('two')], [])
  await clock.advance(1_900_000)
  note('one', [])
  t.strictSame([...noted('one')], ['m-2'])
})
