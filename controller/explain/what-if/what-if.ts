import { keyOf } from '../../../common/kube/resources.ts'
import { decide } from '../../decide/decide.ts'
import { cents } from '../../decide/money.ts'
import type { Plan, Reason } from '../../decide/plan.ts'
import type { ReasonCode } from '../../decide/reasons.ts'
import type { Subject, WhatIf } from '../explanation.ts'
import { type Verdict, verdictOf } from '../subject.ts'
import { limitRemedies } from './limits.ts'
import { nodeRemedies } from './nodes.ts'
import { podRemedies } from './pods.ts'
import type { Remedies, Remedy } from './remedy.ts'
import { both, type Edit, type Situation, withGroup } from './situation.ts'

const tables: Record<Subject['kind'], readonly Partial<Record<ReasonCode, Remedies>>[]> = {
  pod: [podRemedies, limitRemedies],
  node: [nodeRemedies, limitRemedies],
  group: [limitRemedies],
}

// A decision about a large cluster takes up to half a second.
const mostDecisions = 16
const mostReasons = 8
const mostRounds = 3

/**
 * What would have been decided about the subject, had something been otherwise: for each of its reasons the changes that
 * may help, each tried by deciding again. If none is enough by itself, they are tried together, with what then still
 * stands in the way. `pause` is waited for between two decisions, so that others get their turn.
 */
export async function whatIf(
  situation: Situation,
  plan: Plan,
  subject: Subject,
  verdict: Verdict,
  pause: () => Promise<void>,
): Promise<WhatIf[]> {
  const trial = createTrial(situation, plan, subject, verdict, pause)
  const found: WhatIf[] = []
  const first: Remedy[] = []
  for (const remedies of await trial.remediesFor(verdict, [])) {
    for (const [number, remedy] of remedies.entries()) {
      const outcome = await trial.outcome([remedy])
      if (!outcome) continue
      const { what } = outcome
      if (number === 0) first.push(remedy)
      if (what.helps || !isSame(what.reasons, verdict.reasons)) found.push(what)
      if (what.helps) break
    }
  }
  if (subject.kind === 'group') found.push(...(await oneMore(subject, situation, trial)))
  if (first.length > 0 && !found.some(({ helps }) => helps)) found.push(...(await together(first, trial)))
  // What is not enough is worth knowing only where nothing is.
  return found.some(({ helps }) => helps) ? found.filter(({ helps }) => helps) : found
}

/** All at once; where that is not enough, with what may help against the reasons that are left. */
async function together(remedies: readonly Remedy[], trial: Trial): Promise<WhatIf[]> {
  let tried = [...remedies]
  for (let round = 0; round < mostRounds; round++) {
    const outcome = await trial.outcome(tried)
    if (!outcome || outcome.what.helps) return outcome ? [outcome.what] : []
    const next = (await trial.remediesFor(outcome.then, tried)).flatMap(([likeliest]) => likeliest ?? [])
    if (next.length === 0) return []
    tried = [...tried, ...next]
  }
  return []
}

/** What is tried out about one subject, within a number of decisions. */
interface Trial {
  outcome(remedies: readonly Remedy[]): Promise<{ what: WhatIf; then: Verdict } | undefined>
  /** For each reason of a verdict what may help against it, after what has been tried. */
  remediesFor(verdict: Verdict, tried: readonly Remedy[]): Promise<(readonly Remedy[])[]>
}

function createTrial(
  situation: Situation,
  plan: Plan,
  subject: Subject,
  verdict: Verdict,
  pause: () => Promise<void>,
): Trial {
  let left = mostDecisions
  async function replan(edit: Edit): Promise<Plan | undefined> {
    if (left-- <= 0) return undefined
    await pause()
    const { state, options, now } = edit(situation)
    return decide(state, options, now)
  }
  const editOf = (remedies: readonly Remedy[]) => both(...remedies.map(({ edit }) => edit))

  return {
    async outcome(remedies) {
      const other = await replan(editOf(remedies))
      const then = other && verdictOf(other, subject)
      if (!other || !then) return undefined
      const what = {
        if: remedies.map((remedy) => remedy.if).join(', and '),
        helps: isBetter(subject, verdict, then),
        verdict: then.verdict,
        reasons: then.reasons,
        monthlyCost: cents(other.monthlyCost.planned - plan.monthlyCost.planned),
      }
      return { what, then }
    },
    async remediesFor(after, tried) {
      const before = editOf(tried)
      const base = {
        situation: before(situation),
        subject,
        verdict: { ...verdict, ...after },
        replan: (edit: Edit) => replan(both(before, edit)),
      }
      const known = new Set(tried.map((remedy) => remedy.if))
      const all: (readonly Remedy[])[] = []
      for (const reason of after.reasons.slice(0, mostReasons)) {
        const [remedies] = tables[subject.kind].flatMap((table) => table[reason.code] ?? [])
        const fresh = ((await remedies?.({ ...base, reason })) ?? []).filter((one) => !known.has(one.if))
        for (const remedy of fresh) known.add(remedy.if)
        if (fresh.length > 0) all.push(fresh)
      }
      return all
    },
  }
}

/** What a further node of the group would cost, whatever it is for. */
async function oneMore({ name }: Subject, { state }: Situation, trial: Trial): Promise<WhatIf[]> {
  const group = state.nodeGroups.find((one) => keyOf(one) === name)
  if (!group) return []
  const { minNodes = 0 } = group.spec
  const edit = withGroup(name, () => ({ minNodes: minNodes + 1 }))
  const words = `minNodes of the NodeGroup were ${minNodes + 1} rather than ${minNodes}`
  const outcome = await trial.outcome([{ if: words, edit }])
  return outcome?.what.helps ? [outcome.what] : []
}

function isBetter({ kind }: Subject, before: Verdict, after: Verdict): boolean {
  if (before.verdict === after.verdict) return false
  // A pod that is merely left alone for another reason has gained nothing.
  return kind !== 'pod' || !['unschedulable', 'ignored'].includes(after.verdict)
}

function isSame(a: readonly Reason[], b: readonly Reason[]): boolean {
  const codes = (reasons: readonly Reason[]) =>
    reasons.map(({ code, object }) => `${code} ${object ?? ''}`).join()
  return codes(a) === codes(b)
}
