import t from 'tap'
import { createMetrics, Registry } from '../../../common/metrics.ts'
import { authenticateAgents } from '../../../controller/ingest/auth.ts'
import { ingestMetrics } from '../../../controller/ingest/metrics.ts'
import { virtualClock } from '../../fixtures/clock.ts'
import { captureLog } from '../../fixtures/log.ts'

const minuteMs = 60_000

/** Authentication by an API server that knows the agents of a test. */
function start({ maxTokens = 100 } = {}) {
  const clock = virtualClock()
  const state = { isAway: false, isValid: true, hasPod: true, reviews: 0 }
  const client = {
    get: () => Promise.reject(new Error('no pod is asked for')),
    async post(_: string, body: unknown) {
      state.reviews++
      if (state.isAway) throw new Error('away')
      const { spec } = body as { spec: { token: string } }
      const { sub } = JSON.parse(Buffer.from(spec.token.split('.')[1] ?? '', 'base64url').toString())
      const extra = {
        'authentication.kubernetes.io/node-name': [sub],
        'authentication.kubernetes.io/node-uid': [`uid of ${sub}`],
        'authentication.kubernetes.io/pod-name': [`agent of ${sub}`],
        'authentication.kubernetes.io/pod-uid': ['1'],
      }
      const user = { username: 'system:serviceaccount:kube-system:agent', extra }
      return { status: { authenticated: state.isValid, audiences: ['vpsie-autoscaler'], user } } as never
    },
  }
  const authenticate = authenticateAgents(
    {
      client,
      clock,
      log: captureLog().log,
      metrics: createMetrics(new Registry(), ingestMetrics),
      hasPod: () => state.hasPod,
    },
    { namespace: 'kube-system', serviceAccount: 'agent', maxTokens },
  )
  const { signal } = new AbortController()
  /** Who speaks, with a token that ends an hour after the test began. */
  const ask = async (node: string) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const exp = Math.floor(virtualClock().now() / 1000) + 3600
    const speaker = await authenticate(
      `${part({})}.${part({ aud: ['vpsie-autoscaler'], exp, sub: node })}.x`,
      signal,
    )
    return speaker?.node
  }
  return { clock, state, ask }
}

t.test('an answer is asked for once in five minutes', async (t) => {
  const { clock, state, ask } = start()
  t.equal(await ask('a'), 'a')
  await clock.advance(5 * minuteMs - 1)
  t.equal(await ask('a'), 'a')
  t.equal(state.reviews, 1)
  await clock.advance(1)
  t.equal(await ask('a'), 'a')
  t.equal(state.reviews, 2)
})

t.test('many reports at once with one token are one question', async (t) => {
  const { state, ask } = start()
  t.same(await Promise.all([ask('a'), ask('a'), ask('a')]), ['a', 'a', 'a'])
  t.equal(state.reviews, 1)
})

t.test('while the API server is away a known token works until it expires', async (t) => {
  const { clock, state, ask } = start()
  await ask('a')
  state.isAway = true
  await clock.advance(50 * minuteMs)
  t.equal(await ask('a'), 'a')
  const { reviews } = state
  t.equal(await ask('a'), 'a')
  t.equal(state.reviews, reviews, 'and is not asked about with each report')
  await t.rejects(ask('b'), { code: 'Unreachable', status: 503 }, 'an unknown one does not')
  await clock.advance(10 * minuteMs)
  t.equal(await ask('a'), undefined, 'expired')
})

t.test('when the API server is back its answer counts', async (t) => {
  const { clock, state, ask } = start()
  await ask('a')
  state.isAway = true
  await clock.advance(6 * minuteMs)
  t.equal(await ask('a'), 'a')
  Object.assign(state, { isAway: false, isValid: false })
  await clock.advance(10_000)
  t.equal(await ask('a'), undefined)
})

t.test('a token whose pod is gone is asked about at once, and is no good without an answer', async (t) => {
  const { state, ask } = start()
  await ask('a')
  Object.assign(state, { hasPod: false, isValid: false })
  t.equal(await ask('a'), undefined)
  const other = start()
  await other.ask('a')
  Object.assign(other.state, { hasPod: false, isAway: true })
  await t.rejects(other.ask('a'), { code: 'Unreachable', status: 503 })
})

t.test('of too many tokens those that were used last stay', async (t) => {
  const { state, ask } = start({ maxTokens: 2 })
  await ask('a')
  await ask('b')
  await ask('a')
  await ask('c')
  t.equal(state.reviews, 3)
  await ask('a')
  t.equal(state.reviews, 3, 'a was used after b')
  await ask('b')
  t.equal(state.reviews, 4)
})

t.test(
  'a token that is refused leaves no room for those that are taken, and is asked about again',
  async (t) => {
    const { clock, state, ask } = start({ maxTokens: 1 })
    await ask('a')
    state.isValid = false
    t.equal(await ask('b'), undefined)
    t.equal(await ask('b'), undefined)
    t.equal(state.reviews, 2)
    t.equal(await ask('a'), 'a')
    state.isValid = true
    await clock.advance(10_000)
    t.equal(await ask('b'), 'b')
  },
)
