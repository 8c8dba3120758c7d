import { decide } from '../decide/decide.ts'
import type { Plan } from '../decide/plan.ts'
import type { Records } from '../record/records.ts'
import { considered } from './considered.ts'
import type { Explanation, Subject } from './explanation.ts'
import { type Verdict, verdictOf } from './subject.ts'
import { type Situation, withGroup } from './what-if/situation.ts'
import { whatIf } from './what-if/what-if.ts'

/** What is known beside the last decision, where somebody has kept it. */
export type Memory = Pick<Records, 'since' | 'history'>

const mostHistory = 20

/**
 * Why the subject got its verdict in `plan`, which was made from `situation`: since when, what would change it, and what
 * there was to choose from. Undefined if the plan does not know it. Decides again up to 17 times, and waits for `pause`
 * before each.
 */
export async function explain(
  situation: Situation,
  plan: Plan,
  subject: Subject,
  { memory, pause = () => Promise.resolve() }: { memory?: Memory; pause?: () => Promise<void> } = {},
): Promise<Explanation | undefined> {
  const verdict = verdictOf(plan, subject)
  if (!verdict) return undefined
  const since = verdict.since ?? memory?.since(subject.kind, subject.name)
  return {
    ...subject,
    decidedAt: plan.at,
    ...verdict,
    ...(since !== undefined && { since }),
    wouldChange: await whatIf(situation, plan, subject, verdict, pause),
    considered: considered(
      situation,
      plan,
      subject,
      verdict,
      await unreplaced(situation, subject, verdict, pause),
    ),
    history: historyOf(subject, memory),
  }
}

/** What becomes of a node that is to be replaced if it is not. */
async function unreplaced(
  situation: Situation,
  subject: Subject,
  { verdict, nodeGroup }: Verdict,
  pause: () => Promise<void>,
): Promise<Verdict | undefined> {
  if (subject.kind !== 'node' || verdict !== 'replace' || nodeGroup === undefined) return undefined
  await pause()
  const off = withGroup(nodeGroup, ({ costOptimization }) => ({
    costOptimization: { ...costOptimization, enabled: false },
  }))
  const { state, options, now } = off(situation)
  return verdictOf(decide(state, options, now), subject)
}

function historyOf({ kind, name }: Subject, memory: Memory | undefined): Explanation['history'] {
  return (memory?.history ?? [])
    .flatMap(({ at, changes }) =>
      changes
        .filter((change) => change.kind === kind && change.name === name)
        .map(({ verdict, reasons }) => ({ at, verdict, reasons })),
    )
    .reverse()
    .slice(0, mostHistory)
}
