import { setImmediate } from 'node:timers/promises'
import { TerminalError, TransientError } from '../../common/errors.ts'
import type { DecideOptions } from '../decide/options.ts'
import type { Records } from '../record/records.ts'
import { explain } from './explain.ts'
import type { Explanation, Subject } from './explanation.ts'
import { findSubject, nearNames } from './subject.ts'

interface Deps {
  records: Pick<Records, 'last' | 'since' | 'history'>
  options: DecideOptions
  /** Who leads, as far as is known. */
  leader: () => Promise<string | undefined>
}

/** Answers `node=NAME`, `pod=NAMESPACE/NAME` or `group=NAMESPACE/NAME`; abort of `signal` ends the deciding. */
export type ExplainQuery = (
  query: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<Explanation>

const kinds = ['node', 'pod', 'group'] as const
const longestName = 512
const mostWaiting = 8

/**
 * Makes what answers questions about the last decision, one at a time, because each decides again several times. Throws
 * classed errors with a status: 400 for a question that is none, 404 with names that may be meant, 503 on a replica
 * that has not decided, or while too many ask.
 */
export function createExplainQuery({ records, options, leader }: Deps): ExplainQuery {
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()

  async function answer({ kind, name }: Subject, signal: AbortSignal): Promise<Explanation> {
    signal.throwIfAborted()
    if (!records.last) throw await undecided(leader)
    const { state, plan } = records.last
    const subject = findSubject(plan, kind, name)
    const situation = { state, options, now: Date.parse(plan.at) }
    const found =
      subject && (await explain(situation, plan, subject, { memory: records, pause: () => nextTurn(signal) }))
    if (found) return found
    const near = nearNames(plan, kind, name)
    const hint = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : ''
    throw new TerminalError(`the last decision knows no ${kind} "${name}"${hint}`, {
      code: 'NotFound',
      status: 404,
    })
  }

  return async (query, signal) => {
    const subject = subjectOf(query)
    if (waiting >= mostWaiting)
      throw new TransientError('too many explanations are being made', {
        code: 'Throttled',
        status: 503,
        retryAfterMs: 1000,
      })
    waiting++
    const turn = last.then(() => answer(subject, signal))
    last = turn.catch(() => undefined)
    return turn.finally(() => {
      waiting--
    })
  }
}

function subjectOf(query: Readonly<Record<string, unknown>>): Subject {
  const given = kinds.filter((kind) => query[kind] !== undefined)
  const [kind] = given
  const name = kind && query[kind]
  if (kind && given.length === 1 && typeof name === 'string' && name !== '' && name.length <= longestName)
    return { kind, name }
  throw new TerminalError('ask for exactly one of node=NAME, pod=NAMESPACE/NAME and group=NAMESPACE/NAME', {
    code: 'BadInput',
    status: 400,
  })
}

async function undecided(leader: () => Promise<string | undefined>): Promise<TransientError> {
  const holder = await leader()
  const where = holder === undefined ? 'nobody leads just now' : `${holder} leads`
  return new TransientError(`this replica has decided nothing: ${where}`, {
    code: 'Unreachable',
    status: 503,
    retryAfterMs: 2000,
  })
}

/** Lets everything else that waits have its turn, unless nobody waits for the answer any more. */
async function nextTurn(signal: AbortSignal): Promise<void> {
  await setImmediate()
  signal.throwIfAborted()
}
