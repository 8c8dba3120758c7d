import type { LeafName } from './names.ts'

/**
 * Where the rotation of the authority stands. ISSUE is no phase but the act that ends Soak.
 * Steady: one authority is trusted. Publish: the next one is being added to every bundle. Soak: it is in all of them,
 * and those who read them are given time. Confirm: certificates of it were issued, and the replicas are asked
 * whether they serve them. Retire: they do; the old authority stays trusted for a while.
 */
export const phases = ['Steady', 'Publish', 'Soak', 'Confirm', 'Retire'] as const
export type Phase = (typeof phases)[number]

/** Times in milliseconds since the epoch. */
export interface AuthorityFacts {
  fingerprint: string
  /** It may sign for all hosts that are wanted now. */
  permits: boolean
  notBefore: number
  notAfter: number
}

/** A pair in a leaf Secret whose key fits its certificate. */
export interface LeafFacts {
  /** Fingerprint of the authority of ours that signed it; undefined if none did. */
  issuer?: string
  notBefore: number
  notAfter: number
  /** It is for exactly the hosts that are wanted. */
  hostsRight: boolean
}

/** Everything the next step is decided by. */
export interface RotationState {
  phase: Phase
  /** When the phase began. */
  since: number
  confirmations: number
  confirmedAt?: number
  active?: AuthorityFacts
  next?: AuthorityFacts
  retired: readonly AuthorityFacts[]
  /** Every bundle holds what it should: in Steady exactly that, in a rotation at least that. */
  published: boolean
  /** Some bundle holds an authority, of ours or not, that has not expired. */
  trustExists: boolean
  /** Undefined: there is no usable pair. */
  leaves: Readonly<Record<LeafName, LeafFacts | undefined>>
}

export interface RotationTimes {
  /** How long whoever verifies a listener is given to take up a new bundle. */
  soakMs: Readonly<Record<LeafName, number>>
  confirmIntervalMs: number
  /** How long the old authority stays trusted once nobody is seen to need it. */
  retireAfterMs: number
}

/** Confirmations in a row that end Confirm. */
export const confirmationsNeeded = 3

export type Step =
  /** First install: nobody trusts anything, so an authority may be active at once. */
  | { do: 'bootstrap' }
  /** Make the next authority; Publish begins with it. */
  | { do: 'prepare' }
  | { do: 'enter'; phase: Phase }
  /** Write the bundles that lack something, or in Steady hold too much. */
  | { do: 'publish' }
  | { do: 'issue'; leaf: LeafName; by: 'active' | 'next' }
  /** The next authority becomes the active one, the active one is retired; Confirm begins. */
  | { do: 'promote' }
  /** Ask every replica which certificate it serves, and note the outcome. */
  | { do: 'confirm' }
  /** Forget the retired authorities; Steady begins. */
  | { do: 'retire' }
  | { do: 'wait'; until: number; reason: string }
  | { do: 'done'; reason: string }
