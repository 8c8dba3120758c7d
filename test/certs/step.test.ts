import t from 'tap'
import type { AuthorityFacts, LeafFacts, RotationState, RotationTimes, Step } from '../../certs/state.ts'
import { isDue, nextStep } from '../../certs/step.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const now = Date.UTC(2026, 5, 1)

const times: RotationTimes = {
  soakMs: { webhook: 10 * minute, ingest: 30 * minute },
  confirmIntervalMs: 2 * minute,
  retireAfterMs: day,
}

function authority(fingerprint: string, leftMs = 300 * day): AuthorityFacts {
  return { fingerprint, permits: true, notBefore: now + leftMs - 365 * day, notAfter: now + leftMs }
}

function leaf(issuer: string | undefined, over: Partial<LeafFacts> = {}): LeafFacts {
  return {
    notBefore: now - 5 * day,
    notAfter: now + 25 * day,
    hostsRight: true,
    ...(issuer && { issuer }),
    ...over,
  }
}

/** Steady, everything valid and trusted. */
function state(over: Partial<RotationState> = {}): RotationState {
  return {
    phase: 'Steady',
    since: 0,
    confirmations: 0,
    active: authority('a'),
    retired: [],
    published: true,
    trustExists: true,
    leaves: { webhook: leaf('a'), ingest: leaf('a') },
    ...over,
  }
}

/** The same without an active authority. */
function orphan(over: Partial<RotationState> = {}): RotationState {
  const { active, ...rest } = state(over)
  return rest
}

const next = authority('b', 364 * day)
const both = { webhook: leaf('b'), ingest: leaf('b') }
const none = { webhook: undefined, ingest: undefined }

const cases: [string, RotationState, Partial<Step> & { do: Step['do'] }][] = [
  // Steady
  ['nothing is done while all is well', state(), { do: 'done' }],
  [
    'the first install makes an authority that is active at once',
    orphan({ trustExists: false, leaves: none }),
    { do: 'bootstrap' },
  ],
  [
    'a lost authority is replaced by rotation while its certificates serve',
    orphan({ trustExists: false }),
    { do: 'prepare' },
  ],
  [
    'a lost authority is replaced by rotation while somebody trusts it',
    orphan({ leaves: none }),
    { do: 'prepare' },
  ],
  [
    'after the first install bundles come before certificates',
    state({ published: false, leaves: none }),
    { do: 'publish' },
  ],
  [
    'a missing certificate is issued by the active authority',
    state({ leaves: { ...none, ingest: leaf('a') } }),
    { do: 'issue', leaf: 'webhook', by: 'active' },
  ],
  [
    'an expired certificate is issued anew',
    state({ leaves: { webhook: leaf('a'), ingest: leaf('a', { notAfter: now }) } }),
    { do: 'issue', leaf: 'ingest', by: 'active' },
  ],
  [
    'a certificate with a third of its life left is renewed',
    state({
      leaves: {
        webhook: leaf('a', { notBefore: now - 20 * day, notAfter: now + 10 * day }),
        ingest: leaf('a'),
      },
    }),
    { do: 'issue', leaf: 'webhook', by: 'active' },
  ],
  [
    'one with two fifths left is not',
    state({
      leaves: {
        webhook: leaf('a', { notBefore: now - 18 * day, notAfter: now + 12 * day }),
        ingest: leaf('a'),
      },
    }),
    { do: 'done' },
  ],
  [
    'a certificate for other hosts is renewed',
    state({ leaves: { webhook: leaf('a', { hostsRight: false }), ingest: leaf('a') } }),
    { do: 'issue', leaf: 'webhook', by: 'active' },
  ],
  [
    'an authority with a third of its life left gets a successor',
    state({ active: authority('a', 121 * day) }),
    { do: 'prepare' },
  ],
  [
    'an expired authority gets a successor',
    state({ active: authority('a', -day), leaves: none }),
    { do: 'prepare' },
  ],
  [
    'a certificate of somebody else is replaced only after a soak',
    state({ leaves: { webhook: leaf(undefined), ingest: leaf('a') } }),
    { do: 'enter', phase: 'Publish' },
  ],
  // Publish
  [
    'Publish writes what bundles lack',
    state({ phase: 'Publish', next, published: false }),
    { do: 'publish' },
  ],
  ['once all hold it the soak begins', state({ phase: 'Publish', next }), { do: 'enter', phase: 'Soak' }],
  // Soak
  [
    'before its soak is over nothing is issued',
    state({ phase: 'Soak', next, since: now - 10 * minute + 1 }),
    { do: 'wait', until: now + 1 },
  ],
  [
    'the webhook is issued first',
    state({ phase: 'Soak', next, since: now - 10 * minute }),
    { do: 'issue', leaf: 'webhook', by: 'next' },
  ],
  [
    'agents are given longer',
    state({
      phase: 'Soak',
      next,
      since: now - 10 * minute,
      leaves: { webhook: leaf('b'), ingest: leaf('a') },
    }),
    { do: 'wait', until: now + 20 * minute },
  ],
  [
    'the ingest is issued after the longer soak',
    state({
      phase: 'Soak',
      next,
      since: now - 30 * minute,
      leaves: { webhook: leaf('b'), ingest: leaf('a') },
    }),
    { do: 'issue', leaf: 'ingest', by: 'next' },
  ],
  [
    'a bundle that lost the authority sends back to Publish before anything is written',
    state({ phase: 'Soak', next, since: now - day, published: false }),
    { do: 'enter', phase: 'Publish' },
  ],
  [
    'a certificate due during the soak is renewed by the old authority',
    state({
      phase: 'Soak',
      next,
      since: now,
      leaves: { webhook: leaf('a', { notBefore: now - 29 * day, notAfter: now + day }), ingest: leaf('a') },
    }),
    { do: 'issue', leaf: 'webhook', by: 'active' },
  ],
  [
    'with nothing left that serves the soak is cut to seconds',
    state({ phase: 'Soak', next, active: authority('a', -day), since: now - 5_000, leaves: none }),
    { do: 'issue', leaf: 'webhook', by: 'next' },
  ],
  [
    'when both are issued the next authority becomes active',
    state({ phase: 'Soak', next, since: now, leaves: both }),
    { do: 'promote' },
  ],
  [
    'without a next authority both certificates lead to Confirm',
    state({ phase: 'Soak', since: now }),
    { do: 'enter', phase: 'Confirm' },
  ],
  // Confirm
  ['replicas are asked at once', state({ phase: 'Confirm', since: now }), { do: 'confirm' }],
  [
    'then every interval',
    state({ phase: 'Confirm', confirmations: 2, confirmedAt: now - minute }),
    { do: 'wait', until: now + minute },
  ],
  [
    'a look in the future, by a clock set back, counts as one of now',
    state({ phase: 'Confirm', confirmations: 2, confirmedAt: now + day }),
    { do: 'wait', until: now + 2 * minute },
  ],
  [
    'three confirmations in a row lead to Retire',
    state({ phase: 'Confirm', confirmations: 3, confirmedAt: now }),
    { do: 'enter', phase: 'Retire' },
  ],
  ['a lost bundle is written again', state({ phase: 'Confirm', published: false }), { do: 'publish' }],
  // Retire
  [
    'the old authority stays trusted for a day',
    state({ phase: 'Retire', since: now - day + 1, confirmedAt: now - day }),
    { do: 'wait', until: now + 1 },
  ],
  [
    'then replicas are asked once more',
    state({ phase: 'Retire', since: now - day, confirmedAt: now - day - 1 }),
    { do: 'confirm' },
  ],
  ['and it is retired', state({ phase: 'Retire', since: now - day - 1, confirmedAt: now }), { do: 'retire' }],
  [
    'certificates are renewed meanwhile',
    state({ phase: 'Retire', since: now, leaves: { webhook: undefined, ingest: leaf('a') } }),
    { do: 'issue', leaf: 'webhook', by: 'active' },
  ],
  [
    'one put back from a copy is replaced',
    state({ phase: 'Retire', since: now, leaves: { webhook: leaf('old'), ingest: leaf('a') } }),
    { do: 'issue', leaf: 'webhook', by: 'active' },
  ],
]

for (const [title, given, expected] of cases) {
  t.test(`${given.phase}: ${title}`, async (t) => t.match(nextStep(given, now, times), expected))
}

t.test(
  'what was made at different seconds is renewed at different times, all with a third of its life left',
  async (t) => {
    const life = 30 * day
    const dueAt = (notAfter: number) => {
      const notBefore = notAfter - life
      let [early, late] = [notBefore, notAfter]
      while (late - early > 1000) {
        const middle = Math.floor((early + late) / 2)
        if (isDue({ notBefore, notAfter }, middle)) late = middle
        else early = middle
      }
      return notAfter - late
    }
    const left = Array.from({ length: 50 }, (_, i) => dueAt(now + i * 37_000))
    t.ok(Math.min(...left) >= life / 3 - 1000)
    t.ok(Math.max(...left) <= life * (1 / 3 + 1 / 20))
    t.ok(Math.max(...left) - Math.min(...left) > life / 40, 'they are spread')
  },
)
