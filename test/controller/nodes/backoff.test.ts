import t from 'tap'
import { withoutBackoff, withRefusal } from '../../../controller/nodes/backoff.ts'
import { virtualStart } from '../../fixtures/clock.ts'

const minute = 60_000
const refuse = (list: Parameters<typeof withRefusal>[0], at: number) =>
  withRefusal(list, 'small', 'dc-1', 'sold out', virtualStart + at)

t.test('a refusal pauses the size in its datacenter for 5 minutes', async (t) => {
  t.match(refuse([], 0), [
    { offering: 'small', datacenterID: 'dc-1', until: '2026-02-01T00:05:00Z', failures: 1 },
  ])
})

t.test('the pause doubles with each refusal in a row, up to 30 minutes', async (t) => {
  let list = refuse([], 0)
  const until: (string | undefined)[] = []
  for (const at of [6, 17, 40, 71]) {
    list = refuse(list, at * minute)
    until.push(list[0]?.until)
  }
  t.strictSame(until, [
    '2026-02-01T00:16:00Z',
    '2026-02-01T00:37:00Z',
    '2026-02-01T01:10:00Z',
    '2026-02-01T01:41:00Z',
  ])
})

t.test('refusals of orders that were sent together count once', async (t) => {
  t.match(refuse(refuse([], 0), 1000), [{ failures: 1, until: '2026-02-01T00:05:00Z' }])
})

t.test('a refusal that is long over does not make the next pause longer', async (t) => {
  t.match(refuse(refuse([], 0), 60 * minute), [{ failures: 1, until: '2026-02-01T01:05:00Z' }])
})

t.test('a size that is sold again is forgotten', async (t) => {
  t.strictSame(withoutBackoff(refuse([], 0), 'small', 'dc-1'), [])
})
