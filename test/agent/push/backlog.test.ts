import t from 'tap'
import { createBacklog } from '../../../agent/push/backlog.ts'
import { report } from '../fixtures/objects.ts'

const { signal } = new AbortController()

function filled(n: number) {
  const backlog = createBacklog()
  const reports = Array.from({ length: n }, (_, i) => report(i + 1))
  const overflowed = reports.reduce((sum, each) => sum + backlog.add(each), 0)
  return { backlog, reports, overflowed }
}

t.test('the newest comes first', async (t) => {
  t.match(await filled(3).backlog.newest(signal), { seq: 3 })
})

t.test('of more than 20 the oldest go', async (t) => {
  const { backlog, overflowed } = filled(25)
  t.equal(backlog.length, 20)
  t.equal(overflowed, 5)
})

t.test('one report is dropped alone, or with all before it', async (t) => {
  const { backlog, reports } = filled(5)
  const [, , third, , fifth] = reports
  if (!third || !fifth) throw new Error('there are five')
  t.equal(backlog.drop(fifth, 'alone'), 1)
  t.match(await backlog.newest(signal), { seq: 4 })
  t.equal(backlog.drop(third, 'older'), 3)
  t.equal(backlog.length, 1)
  t.equal(backlog.drop(third, 'older'), 0)
})

t.test('an empty one waits for a report, or for the abort', async (t) => {
  const { backlog } = filled(0)
  const waiting = backlog.newest(signal)
  backlog.add(report(1))
  t.match(await waiting, { seq: 1 })
  backlog.drop(await waiting, 'alone')
  const stop = new AbortController()
  const rejected = t.rejects(backlog.newest(stop.signal), { message: 'stop' })
  stop.abort(new Error('stop'))
  await rejected
  await t.rejects(backlog.newest(stop.signal), { message: 'stop' })
})
