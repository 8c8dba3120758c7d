import t from 'tap'
import { createRemovals } from '../../../controller/act/removals.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { captureLog } from '../../fixtures/log.ts'

function removals() {
  const clock = virtualClock()
  const begun: string[] = []
  const all = createRemovals({ log: captureLog().log, clock })
  const start = (node: string, result: boolean | Error) =>
    all.start(node, async () => {
      begun.push(node)
      if (result instanceof Error) throw result
      return result
    })
  return { clock, begun, all, start }
}

t.test('a removal that was called off is tried again after a pause that grows', async (t) => {
  const { clock, begun, all, start } = removals()
  const tryFor = async (seconds: number) => {
    for (let i = 0; i < seconds; i += 10) {
      start('n', false)
      await all.settled()
      await clock.advance(10_000)
    }
  }
  await tryFor(60)
  t.equal(begun.length, 1)
  await tryFor(120)
  t.equal(begun.length, 2)
  await tryFor(240)
  t.equal(begun.length, 3)
})

t.test('a removal that failed is not repeated at once, and stops no other node', async (t) => {
  const { begun, all, start } = removals()
  start('n', new Error('broken'))
  await all.settled()
  start('n', true)
  start('m', true)
  await all.settled()
  t.strictSame(begun, ['n', 'm'])
})

t.test('a removal that has left its mark on the node is taken up again at once', async (t) => {
  const { begun, all, start } = removals()
  start('n', false)
  await all.settled()
  all.start('n', async () => begun.push('again') > 0, true)
  await all.settled()
  t.strictSame(begun, ['n', 'again'])
})

t.test('at most one removal of a node runs', async (t) => {
  const { begun, all, start } = removals()
  start('n', true)
  start('n', true)
  await all.settled()
  t.strictSame(begun, ['n'])
  t.notOk(all.has('n'))
})
