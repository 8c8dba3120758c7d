import { abortable } from '../../common/abortable.ts'
import type { Clock } from '../../common/clock.ts'
import { errorText, hasCode, TerminalError, TransientError } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'
import type { Report } from '../../common/report.ts'
import { fullJitter } from '../../common/retry.ts'
import type { AgentMetrics, PushResult } from '../metrics.ts'
import type { Address } from './addresses.ts'
import { createBacklog } from './backlog.ts'
import type { ReadIdentity } from './identity.ts'
import { type CreateSender, createSender } from './send.ts'

export interface TargetDeps {
  clock: Clock
  log: Logger
  metrics: Pick<AgentMetrics, 'agent_pushes_total' | 'agent_push_duration_seconds'>
  identity: ReadIdentity
  random?: () => number
  createSender?: CreateSender
}

/** One controller that is reported to, at its own pace: a slow one holds up no other. */
export interface Target {
  /** Adds a report; of too many the oldest go. */
  push(report: Report): void
  readonly waiting: number
  /** The pace it last asked for, milliseconds. */
  readonly paceMs: number | undefined
  /** Sends one more report, the last, and closes the connection. */
  finish(report: Report | undefined, signal: AbortSignal): Promise<void>
}

const backoffBaseMs = 1000
const backoffCapMs = 60_000
// How often a refused token is compared with what the file holds by now.
const lookMs = 2_000

/** Reports to a controller until `signal` aborts. What fails is sent again with full jitter, the newest first. */
export function startTarget(deps: TargetDeps, address: Address, signal: AbortSignal): Target {
  const { clock, log, metrics, identity, random = Math.random } = deps
  const sender = (deps.createSender ?? createSender)({ clock, random }, address)
  const count = (result: PushResult, n = 1) => metrics.agent_pushes_total.inc({ result }, n)
  const backlog = createBacklog()
  let paceMs: number | undefined
  let problem = ''
  let refused = ''

  /** Sends once; a second time if the token is refused and the file holds another one by now. */
  async function send(report: Report, within: AbortSignal): Promise<number | undefined> {
    const used = await identity()
    const started = clock.monotonic()
    try {
      return await sender.send(report, used, within)
    } catch (error) {
      if (!hasCode(error, 'Unauthorized')) throw error
      refused = used.token
      const renewed = await identity()
      if (renewed.token === used.token) throw error
      count('refused')
      return await sender.send(report, renewed, within)
    } finally {
      metrics.agent_push_duration_seconds.observe((clock.monotonic() - started) / 1000)
    }
  }

  async function sendNewest(): Promise<void> {
    const report = await backlog.newest(signal)
    try {
      paceMs = (await send(report, signal)) ?? paceMs
      count('accepted')
      count('superseded', backlog.drop(report, 'older') - 1)
      tell('')
    } catch (error) {
      if (signal.aborted) throw error
      tell(errorText(error))
      const result = resultOf(error)
      count(result)
      if (result === 'rejected') backlog.drop(report, hasCode(error, 'Conflict') ? 'older' : 'alone')
      throw error
    }
  }

  /** A new token in the file ends the wait that a refused one began. */
  async function pause(ms: number, error: unknown): Promise<void> {
    if (!hasCode(error, 'Unauthorized')) return clock.sleep(ms, signal)
    for (let left = ms; left > 0; left -= lookMs) {
      await clock.sleep(Math.min(left, lookMs), signal)
      const found = await identity().catch(() => undefined)
      if (found && found.token !== refused) return
    }
  }

  function tell(now: string): void {
    if (now === problem) return
    if (now === '') log.info('controller takes reports', { controller: address.key })
    else log.warn('report was not taken', { controller: address.key, error: now })
    problem = now
  }

  async function run(): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await sendNewest()
        failures = 0
      } catch (error) {
        if (signal.aborted) break
        await pause(waitOf(error, failures++, random), error).catch(() => undefined)
      }
    }
    sender.close()
  }

  void run()
  return {
    push: (report) => count('overflowed', backlog.add(report)),
    get waiting() {
      return backlog.length
    },
    get paceMs() {
      return paceMs
    },
    async finish(report, within) {
      try {
        if (!report) return
        await abortable(send(report, within), within)
        count('accepted')
      } catch (error) {
        count(resultOf(error))
        log.info('the last report was not taken', { controller: address.key, error: errorText(error) })
      } finally {
        sender.close()
      }
    },
  }
}

function resultOf(error: unknown): 'refused' | 'rejected' | 'failed' {
  if (hasCode(error, 'Unauthorized', 'Forbidden')) return 'refused'
  return error instanceof TerminalError ? 'rejected' : 'failed'
}

/** Milliseconds until the next try. */
function waitOf(error: unknown, failures: number, random: () => number): number {
  // A token that is not taken will not be soon: it takes a new file, or somebody who grants it.
  if (resultOf(error) === 'refused') return backoffCapMs * (1 - random() / 2)
  const jitter = fullJitter(failures, backoffBaseMs, backoffCapMs, random)
  const asked = error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0
  // All agents of a busy controller are told the same time; they should not all come back at it.
  return Math.max(jitter, asked * (1 + random() / 10))
}
