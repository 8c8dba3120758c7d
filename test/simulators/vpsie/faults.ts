import type { SimulatedMachine } from './model.ts'

/** What a request asks for, by the provider's words; the last two the autoscaler never asks for. */
export type RequestName =
  | 'authenticate'
  | 'listClusters'
  | 'listMachines'
  | 'listPools'
  | 'listOffers'
  | 'createPool'
  | 'addWorker'
  | 'deleteWorker'
  | 'listVMs'
  | 'createVM'
  | 'deleteVM'
  | 'deletePool'
  | 'reduce'

/** What can go wrong with a request. Those marked "executed" change the cloud and lose only the reply. */
export type Fault =
  /** An answer of this HTTP status; `body` is sent as it is, else an envelope with `message`. */
  | { kind: 'status'; status: number; message?: string; body?: string; headers?: Record<string, string> }
  /** The same, executed. */
  | {
      kind: 'statusAfter'
      status: number
      message?: string
      body?: string
      headers?: Record<string, string>
    }
  /** HTTP 200 with `error: true`. */
  | { kind: 'errorTrue'; message: string; code?: number }
  /** HTTP 200 with this body, executed. */
  | { kind: 'body'; body: string }
  /** HTTP 200 with an envelope around this `data`, executed. */
  | { kind: 'data'; data: unknown }
  /** Executed twice, answered once: some proxy on the way has repeated it. */
  | { kind: 'twice' }
  /** Executed after so long, and then answered. */
  | { kind: 'slow'; ms: number }
  /** Executed; the answer comes after so long. */
  | { kind: 'late'; ms: number }
  /** No answer, not executed. */
  | { kind: 'hang' }
  /** Executed; the answer is held back until `release`. */
  | { kind: 'hold' }
  /** Executed; the connection breaks before the answer. */
  | { kind: 'resetAfter' }
  /** Not executed; the connection breaks. */
  | { kind: 'resetBefore' }

/** A fault that waits for its requests, or is at work. */
export interface Planted {
  readonly fault: Fault
  /** Requests it has met. */
  readonly hits: number
  /** Lets go of what hangs or is held, and of what comes later. */
  release(): void
}

interface Rule {
  operation: RequestName | 'any'
  left: number
  hits: number
  fault: Fault
  released: PromiseWithResolvers<void>
}

/** VPSie's refusals as they are known, for `refuse`. */
export const refusalMessages = {
  quota: 'Worker nodes count exceeds the allowed limit 5',
  sameSize: 'Group GRP-Advanced-c745 has same selected Size, please select another size',
  lost: 'Something was lost in the clouds',
  invalidToken: 'Invalid API token',
  tooMany: 'Too many requests',
  invalidParameters: 'Invalid parameters provided',
} as const

/** Everything that can be made to go wrong, by hand and at a chosen request. */
export class Faults {
  readonly #rules: Rule[] = []
  readonly #hidden = new Set<string>()
  #shownOnly = Infinity
  /** How old the state is that the next list shows, milliseconds; lists may overtake each other. */
  staleMs: () => number = () => 0

  /** The next `times` requests of an operation meet `fault`; earlier plantings come first. */
  next(operation: RequestName | 'any', fault: Fault, times = 1): Planted {
    const rule: Rule = { operation, left: times, hits: 0, fault, released: Promise.withResolvers<void>() }
    this.#rules.push(rule)
    return {
      fault,
      get hits() {
        return rule.hits
      },
      release: () => {
        rule.left = 0
        rule.released.resolve()
      },
    }
  }

  /** Takes all planted faults away and lets go of what they hold. */
  clear(): void {
    for (const rule of this.#rules.splice(0)) {
      rule.left = 0
      rule.released.resolve()
    }
    this.#hidden.clear()
    this.#shownOnly = Infinity
    this.staleMs = () => 0
  }

  /** Leaves a machine out of every list until `show`. */
  hide({ identifier }: Pick<SimulatedMachine, 'identifier'>): void {
    this.#hidden.add(identifier)
  }

  show({ identifier }: Pick<SimulatedMachine, 'identifier'>): void {
    this.#hidden.delete(identifier)
  }

  /** Lists show only so many machines of a cluster, the oldest, until called with Infinity. */
  shrinkLists(count: number): void {
    this.#shownOnly = count
  }

  /** The machines of a list that are shown. */
  shown(machines: readonly SimulatedMachine[]): SimulatedMachine[] {
    return machines.filter(({ identifier }) => !this.#hidden.has(identifier)).slice(0, this.#shownOnly)
  }

  /** The fault the request meets, if any; counts it. */
  meet(operation: RequestName | undefined): { fault: Fault; released: Promise<void> } | undefined {
    const rule = this.#rules.find(
      ({ left, operation: wanted }) => left > 0 && (wanted === 'any' || wanted === operation),
    )
    if (!rule) return undefined
    rule.left--
    rule.hits++
    return { fault: rule.fault, released: rule.released.promise }
  }
}
