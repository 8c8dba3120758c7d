import type { Violation } from '../common/api/violation.ts'

/** One thing that an object is held to. docs/admission.md lists them all. */
export interface Rule<Subject> {
  /** Unique name: a bug in the rule is told by it. */
  name: string
  /** The fields it is about, below `spec` unless they begin with `metadata`. */
  fields: readonly string[]
  /** What holds, in a sentence that ends without a full stop. */
  says: string
  /** The messages of the CEL rules that hold the same without the webhook. */
  cel?: readonly string[]
  /** True if the schema holds the same without the webhook. */
  schema?: true
  /** Every way in which the subject breaks it. */
  check(subject: Subject): readonly Violation[]
}

/** One thing that is legal and of no use, or dangerous. */
export interface Advice<Subject> {
  /** Unique name, among the rules' too. */
  name: string
  says: string
  /** Sentences of fewer than 120 characters. */
  warn(subject: Subject): readonly string[]
}

/** A bug of ours in a rule: never a reason to refuse an object, so the whole review fails and says which rule it was. */
export class RuleError extends Error {
  override readonly name = 'RuleError'
  readonly rule: string

  constructor(rule: string, cause: unknown) {
    super(`rule ${rule} failed, which is a bug of the webhook`, { cause })
    this.rule = rule
  }
}

/** Whatever breaks any of the rules. Throws `RuleError` if one of them throws. */
export function violationsOf<S>(rules: readonly Rule<S>[], subject: S): readonly Violation[] {
  return gather(rules, (rule) => rule.check(subject))
}

/** All warnings. Throws `RuleError` likewise. */
export function warningsOf<S>(advices: readonly Advice<S>[], subject: S): readonly string[] {
  return gather(advices, (advice) => advice.warn(subject))
}

function gather<R extends { name: string }, T>(
  rules: readonly R[],
  look: (rule: R) => readonly T[],
): readonly T[] {
  let found: readonly T[] = none
  for (const rule of rules) {
    try {
      const more = look(rule)
      // Nearly always there is nothing, and then no list is made.
      if (more.length > 0) found = found.length > 0 ? [...found, ...more] : more
    } catch (error) {
      throw new RuleError(rule.name, error)
    }
  }
  return found
}

/** What a rule finds where nothing is wrong; shared, as most find nothing. Its type lets nobody put anything in. */
export const none: never[] = []
