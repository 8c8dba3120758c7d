import fc from 'fast-check'
import t from 'tap'
import { TransientError } from '../../../common/errors.ts'
import { holdLease } from '../../../common/kube/lease.ts'
import type { Lease } from '../../../common/kube/objects.ts'
import { resources } from '../../../common/kube/resources.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { storeClient } from '../../fixtures/kube-client.ts'
import { captureLog } from '../../fixtures/log.ts'
import { createStore } from '../../simulators/kubernetes/store.ts'

const times = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 }
const name = { namespace: 'kube-system', name: 'leader' }

function world() {
  const clock = virtualClock()
  const store = createStore({ clock })
  const holders = new Set<string>()
  let most = 0
  let terms = 0
  /** Starts a candidate whose calls fail while `isAway` says so. */
  const start = (identity: string, isAway: () => boolean = () => false) => {
    const end = new AbortController()
    const client = storeClient(store, {
      before() {
        if (isAway()) throw new TransientError('away', { code: 'Unreachable' })
      },
    })
    const whileHeld = async (signal: AbortSignal) => {
      holders.add(identity)
      terms++
      most = Math.max(most, holders.size)
      await clock.sleep(10 ** 9, signal).catch(() => undefined)
      holders.delete(identity)
    }
    const { log } = captureLog()
    const done = holdLease({ client, clock, log }, { ...name, identity, ...times }, whileHeld, end.signal)
    return { stop: () => end.abort(new DOMException('stopped', 'AbortError')), done }
  }
  return { clock, store, holders, start, most: () => most, terms: () => terms }
}

t.test('the first to come holds the lease, and the next takes over at once when it stops', async (t) => {
  const { clock, store, holders, start } = world()
  const one = start('one')
  await clock.advance(1)
  const two = start('two')
  await clock.advance(60_000)
  t.same([...holders], ['one'])
  one.stop()
  await clock.advance(2_001)
  await one.done
  t.same([...holders], ['two'])
  t.match(store.get<Lease>(resources.leases, name).spec, { holderIdentity: 'two', leaseTransitions: 1 })
  two.stop()
  await clock.advance(1)
  await two.done
  t.equal(store.get<Lease>(resources.leases, name).spec?.holderIdentity, '', 'it is given up at the end')
})

t.test('a holder that cannot renew stops before anybody else begins', async (t) => {
  const { clock, holders, start } = world()
  let isAway = false
  const one = start('one', () => isAway)
  await clock.advance(1)
  const two = start('two')
  await clock.advance(10_000)
  isAway = true
  await clock.advance(12_000)
  t.same([...holders], [], 'one has stopped, two waits')
  await clock.advance(8_000)
  t.same([...holders], ['two'])
  one.stop()
  two.stop()
  await clock.advance(5_000)
})

t.test('whatever fails and when, two never hold it at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.integer({ min: 1, max: 20_000 })), { maxLength: 12 }),
      async (steps) => {
        const { clock, start, most } = world()
        const away = [false, false]
        const all = [start('one', () => away[0] === true), start('two', () => away[1] === true)]
        for (const [one, two, ms] of steps) {
          away.splice(0, 2, one, two)
          await clock.advance(ms)
        }
        for (const { stop } of all) stop()
        await clock.advance(10_000)
        return most() <= 1
      },
    ),
    { numRuns: 40 },
  )
})
