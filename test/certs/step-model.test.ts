import fc from 'fast-check'
import t from 'tap'
import { leafNames } from '../../certs/names.ts'
import type { RotationState, RotationTimes, Step } from '../../certs/state.ts'
import { nextStep } from '../../certs/step.ts'
import { type ModelOptions, RotationModel } from '../fixtures/rotation-model.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const times: RotationTimes = {
  soakMs: { webhook: 10 * minute, ingest: 30 * minute },
  confirmIntervalMs: 2 * minute,
  retireAfterMs: 24 * hour,
}

type Decide = typeof nextStep

/** Readers follow within their soak time, replicas within hours: Confirm waits for them, however long that takes. */
const worlds = fc.record({
  webhookLag: fc.integer({ min: 0, max: 10 * minute }),
  ingestLag: fc.integer({ min: 0, max: 30 * minute }),
  replicaLag: fc.integer({ min: 0, max: 6 * hour }),
})

/** A run of the job some time after the one before; it may be killed after some steps, in the middle of one. */
const runs = fc.array(
  fc.record({
    gapMs: fc.oneof(fc.constant(15 * minute), fc.integer({ min: 1, max: 2 * hour })),
    steps: fc.oneof({ weight: 3, arbitrary: fc.constant(40) }, { weight: 1, arbitrary: fc.nat({ max: 6 }) }),
    lastWrites: fc.nat({ max: 2 }),
  }),
  { minLength: 150, maxLength: 300 },
)

function modelOf(
  world: { webhookLag: number; ingestLag: number; replicaLag: number },
  over: Partial<ModelOptions> = {},
) {
  return new RotationModel({
    now: Date.UTC(2026, 0, 1),
    caMs: 3 * day,
    leafMs: 2 * day,
    times,
    bundleLagMs: { webhook: world.webhookLag, ingest: world.ingestLag },
    replicaLagMs: world.replicaLag,
    ...over,
  })
}

/** Runs the job once, to its end or until it is killed. Gives the first moment in which somebody is not trusted. */
function run(model: RotationModel, decide: Decide, steps: number, lastWrites: number): string[] {
  for (let i = 0; i <= steps; i++) {
    const step: Step = model.step(decide, i === steps ? lastWrites : Infinity)
    const found = model.disagreements()
    if (found.length > 0) return [`in ${model.phase} after ${JSON.stringify(step)}`, ...found]
    if (step.do === 'wait' || step.do === 'done') return []
  }
  return []
}

/** True if at every moment of all runs every client trusts what every replica serves. */
function neverDistrusted(
  decide: Decide,
  over: Partial<ModelOptions> = {},
  finished: (model: RotationModel) => void = () => undefined,
) {
  return fc.property(worlds, runs, (world, runs) => {
    const model = modelOf(world, over)
    for (const { gapMs, steps, lastWrites } of runs) {
      const found = [...run(model, decide, steps, lastWrites)]
      model.now += gapMs
      if (found.length === 0) found.push(...model.disagreements())
      if (found.length > 0) throw new Error(found.join('\n'))
    }
    finished(model)
  })
}

t.test(
  'at every moment every client trusts what every replica serves, wherever runs are killed',
  async () => {
    fc.assert(neverDistrusted(nextStep), { numRuns: 300 })
  },
)

t.test('left to itself the job rotates again and again', async (t) => {
  fc.assert(
    fc.property(worlds, (world) => {
      const model = modelOf(world)
      for (let i = 0; i < 20 * 4 * 24; i++) {
        const found = run(model, nextStep, 40, Infinity)
        if (found.length > 0) throw new Error(found.join('\n'))
        model.now += 15 * minute
      }
      return model.epoch >= 8
    }),
    { numRuns: 15 },
  )
  t.pass('twenty days saw at least eight authorities')
})

/** What most tools do: the new authority replaces the old one, in the bundles and as signer, at once. */
const replaceAtOnce: Decide = (state, now, times) => {
  const step = nextStep(state, now, times)
  if (step.do === 'prepare') return { do: 'bootstrap' }
  if (step.do !== 'enter') return step
  const leaf = leafNames.find((name) => state.leaves[name]?.issuer !== state.active?.fingerprint)
  return leaf ? { do: 'issue', leaf, by: 'active' } : step
}

/** Retires the old authority as soon as the new one signs. */
const retireAtOnce: Decide = (state, now, times) => {
  if (state.phase === 'Confirm' || state.phase === 'Retire') return { do: 'retire' }
  return nextStep(state, now, times)
}

/** Believes that a day is enough for every replica, without looking. */
const withoutConfirm: Decide = (state: RotationState, now, times) =>
  nextStep({ ...state, confirmations: 3, confirmedAt: Number.MAX_SAFE_INTEGER }, now, times)

const controls: [string, Decide, Partial<ModelOptions>][] = [
  ['replacing the authority at once', replaceAtOnce, {}],
  ['no soak', nextStep, { times: { ...times, soakMs: { webhook: 0, ingest: 0 } } }],
  ['retiring at once', retireAtOnce, {}],
  ['not looking at what replicas serve', withoutConfirm, { times: { ...times, retireAfterMs: 0 } }],
]
for (const [what, decide, over] of controls) {
  t.test(`the same check fails with ${what}`, async (t) => {
    const { failed, errorInstance } = fc.check(neverDistrusted(decide, over), {
      numRuns: 150,
      endOnFailure: true,
    })
    t.equal(failed, true, `${what} goes unnoticed`)
    t.match((errorInstance as Error | null)?.message, /not in \{/, 'it fails by distrust')
  })
}
