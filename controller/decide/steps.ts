import type { Reason } from './plan.ts'

/**
 * How much of a decision is left. Counted are looks at a pod and a place for it, not time, so that equal states give
 * equal plans on any machine.
 */
export interface Steps {
  readonly isOver: boolean
  /** True from the half of it on. */
  readonly isHalfOver: boolean
  /** Whether something has been left out, so that nobody knows what the cluster needs. */
  readonly isPartial: boolean
  take(count: number): void
  leaveOut(): void
  /** What is said of whom the decision has not come to. */
  readonly reason: Reason
}

export function createSteps(most: number): Steps {
  let left = most
  let hasLeftOut = false
  return {
    get isOver() {
      return left <= 0
    },
    get isHalfOver() {
      return left <= most / 2
    },
    get isPartial() {
      return hasLeftOut || left <= 0
    },
    leaveOut() {
      hasLeftOut = true
    },
    take(count) {
      left -= count
    },
    reason: {
      code: 'PlanIncomplete',
      message: `the decision ended at --max-decision-steps ${most}; the next one goes on`,
    },
  }
}
