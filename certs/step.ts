import { type LeafName, leafNames } from './names.ts'
import {
  type AuthorityFacts,
  confirmationsNeeded,
  type LeafFacts,
  type Phase,
  type RotationState,
  type RotationTimes,
  type Step,
} from './state.ts'

const hour = 3_600_000
// Where no usable certificate is left, every call fails already; the bundles still need a moment to reach the readers.
const emergencySoakMs = 5_000

/**
 * The next step of keeping every certificate valid without a moment in which a client rejects a server: trust is
 * widened long before it is used and narrowed long after it was last used. Pure; called again after every step with
 * what is then observed, so that a run that ends anywhere is continued by the next one. The order make-before-break
 * is that of openshift/library-go's `certrotation`, with proof that the servers followed added before the break.
 */
export function nextStep(state: RotationState, now: number, times: RotationTimes): Step {
  return phaseSteps[state.phase](state, now, times)
}

const phaseSteps: Record<Phase, (state: RotationState, now: number, times: RotationTimes) => Step> = {
  Steady: steady,
  Publish: publish,
  Soak: soak,
  Confirm: confirm,
  Retire: retire,
}

function steady(state: RotationState, now: number): Step {
  const { active, next, trustExists } = state
  if (!active && !next) return trustExists || anyUsable(state, now) ? { do: 'prepare' } : { do: 'bootstrap' }
  if (!active) return { do: 'enter', phase: 'Publish' }
  if (!state.published) return { do: 'publish' }
  const tended = tendLeaves(state, now)
  if (tended) return tended
  if (isDue(active, now) || !active.permits)
    return next ? { do: 'enter', phase: 'Publish' } : { do: 'prepare' }
  // A pair that none of our authorities signed was put there by somebody: what is trusted is made sure of first.
  if (strangers(state, active).length > 0) return { do: 'enter', phase: 'Publish' }
  return { do: 'done', reason: 'all certificates are valid and trusted' }
}

function publish(state: RotationState): Step {
  if (!state.active && !state.next) return { do: 'prepare' }
  // It was made for other hosts: while it has signed nothing that anybody needs, another one takes its place.
  if (state.next && !state.next.permits) return { do: 'prepare' }
  return state.published ? { do: 'enter', phase: 'Soak' } : { do: 'publish' }
}

function soak(state: RotationState, now: number, times: RotationTimes): Step {
  const signer = state.next ?? state.active
  // The phase goes back before anything is written, so that a run that ends in between soaks again from the start.
  if (!signer || !state.published || !signer.permits) return { do: 'enter', phase: 'Publish' }
  const tended = tendLeaves(state, now)
  if (tended) return tended
  const pending = strangers(state, signer).map((leaf) => ({
    leaf,
    at: state.since + soakMsOf(state, leaf, now, times),
  }))
  const ripe = pending.find(({ at }) => now >= at)
  if (ripe) return { do: 'issue', leaf: ripe.leaf, by: state.next ? 'next' : 'active' }
  if (pending.length > 0) {
    const until = Math.min(...pending.map(({ at }) => at))
    return { do: 'wait', until, reason: 'clients take up the new authority' }
  }
  return state.next ? { do: 'promote' } : { do: 'enter', phase: 'Confirm' }
}

function confirm(state: RotationState, now: number, times: RotationTimes): Step {
  const kept = keep(state, now)
  if (kept) return kept
  if (state.confirmations >= confirmationsNeeded) return { do: 'enter', phase: 'Retire' }
  const until =
    state.confirmedAt === undefined ? now : Math.min(state.confirmedAt, now) + times.confirmIntervalMs
  return now < until
    ? { do: 'wait', until, reason: 'replicas take up the new certificate' }
    : { do: 'confirm' }
}

function retire(state: RotationState, now: number, times: RotationTimes): Step {
  const kept = keep(state, now)
  if (kept) return kept
  const until = state.since + times.retireAfterMs
  if (now < until) return { do: 'wait', until, reason: 'the old authority stays trusted for a while' }
  // A look from before the wait proves nothing about now.
  return (state.confirmedAt ?? 0) < until ? { do: 'confirm' } : { do: 'retire' }
}

/** After ISSUE only the active authority signs; it is trusted everywhere since before it was promoted. */
function keep(state: RotationState, now: number): Step | undefined {
  const { active, published } = state
  if (!active) return { do: 'enter', phase: 'Publish' }
  if (!published) return { do: 'publish' }
  const [stranger] = strangers(state, active)
  return tendLeaves(state, now) ?? (stranger && { do: 'issue', leaf: stranger, by: 'active' })
}

/** Replaces what is missing or expired, and renews by the authority that signed it, so that no new trust is needed. */
function tendLeaves(state: RotationState, now: number): Step | undefined {
  const { active, next, leaves } = state
  for (const leaf of leafNames) {
    const facts = leaves[leaf]
    if (!isUsable(facts, now)) {
      if (active && canSign(active, now)) return { do: 'issue', leaf, by: 'active' }
    } else if (isDue(facts, now) || !facts.hostsRight) {
      if (active && facts.issuer === active.fingerprint && canSign(active, now))
        return { do: 'issue', leaf, by: 'active' }
      if (next && facts.issuer === next.fingerprint) return { do: 'issue', leaf, by: 'next' }
    }
  }
  return undefined
}

function soakMsOf({ leaves }: RotationState, leaf: LeafName, now: number, { soakMs }: RotationTimes): number {
  return isUsable(leaves[leaf], now) ? soakMs[leaf] : Math.min(emergencySoakMs, soakMs[leaf])
}

function strangers({ leaves }: RotationState, signer: AuthorityFacts): LeafName[] {
  return leafNames.filter((leaf) => leaves[leaf]?.issuer !== signer.fingerprint)
}

/**
 * A third of the life is left: time enough for many tries, and for a person to be told. Up to a twentieth earlier, by
 * the second in which the certificate ends, so that what was made at one time is not renewed at one time.
 */
export function isDue(
  { notBefore, notAfter }: { notBefore: number; notAfter: number },
  now: number,
): boolean {
  const jitter = ((notAfter / 1000) % 1009) / 1009
  return now >= notAfter - (notAfter - notBefore) * (1 / 3 + jitter / 20)
}

// A leaf ends an hour before its authority; one that could not live for another hour is not worth issuing.
function canSign({ notAfter, permits }: AuthorityFacts, now: number): boolean {
  return permits && now < notAfter - 2 * hour
}

function isUsable(facts: LeafFacts | undefined, now: number): facts is LeafFacts {
  return facts !== undefined && now >= facts.notBefore && now < facts.notAfter
}

function anyUsable({ leaves }: RotationState, now: number): boolean {
  return leafNames.some((leaf) => isUsable(leaves[leaf], now))
}
