import { StatusError } from './status.ts'

/** Which requests a fault is for; what is left out matches all. */
export interface FaultMatch {
  verb?: string
  plural?: string
  subresource?: string
  username?: string
}

export type KubernetesFault =
  /** Refused with this status, not carried out. */
  | { kind: 'status'; status: number; reason?: string }
  /** Carried out or not; then the connection breaks instead of an answer. */
  | { kind: 'reset'; carriedOut: boolean }
  /** Answered so much later. */
  | { kind: 'delay'; ms: number }
  /** Never answered, not carried out. */
  | { kind: 'hang' }

export interface PlantedFault {
  readonly hits: number
  remove(): void
}

interface Rule {
  match: FaultMatch
  fault: KubernetesFault
  left: number
  hits: number
}

/** What can be made to go wrong at the API server. */
export class KubernetesFaults {
  readonly #rules: Rule[] = []

  /** The next `times` matching requests meet the fault. */
  next(match: FaultMatch, fault: KubernetesFault, times = 1): PlantedFault {
    const rule = { match, fault, left: times, hits: 0 }
    this.#rules.push(rule)
    return {
      get hits() {
        return rule.hits
      },
      remove: () => {
        rule.left = 0
      },
    }
  }

  clear(): void {
    this.#rules.length = 0
  }

  meet(request: FaultMatch): KubernetesFault | undefined {
    const rule = this.#rules.find(
      ({ left, match }) =>
        left > 0 && Object.entries(match).every(([key, value]) => request[key as keyof FaultMatch] === value),
    )
    if (!rule) return undefined
    rule.left--
    rule.hits++
    return rule.fault
  }
}

export function statusFault({
  status,
  reason = 'InternalError',
}: {
  status: number
  reason?: string
}): StatusError {
  return new StatusError(
    status,
    reason,
    'made to fail',
    status === 429 ? { retryAfterSeconds: 1 } : undefined,
  )
}
