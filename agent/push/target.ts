import type { Clock } from '../../common/clock.ts'
import { errorText, hasCode, TerminalError, TransientError } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'
import type { Report } from '../../common/report.ts'
import { fullJitter } from '../../common/retry.ts'
import type { AgentMetrics } from '../metrics.ts'
import type { Address } from './addresses.ts'
import type { Identity } from './files.ts'
import { createSend } from './send.ts'

export interface TargetDeps {
  clock: Clock
  log: Logger
  metrics: AgentMetrics
  identity: () => Promise<Identity>
  random?: () => number
}

/** One controller that is reported to, at its own pace: a slow one holds up no other. */
export interface Target {
  /** Adds a report; of too many the oldest go. */
  push(report: Report): void
  readonly waiting: number
  /** The pace it last asked for, milliseconds. */
  readonly paceMs: number | undefined
  /** Sends one more report, the last, and ends. */
  finish(report: Report | undefined, signal: AbortSignal): Promise<void>
}

const mostWaiting = 20
const backoffBaseMs = 1000
const backoffCapMs = 60_000

/** Reports to a controller until `signal` aborts. What fails is sent again with full jitter, the newest first. */
export function startTarget(deps: TargetDeps, address: Address, signal: AbortSignal): Target {
  const { clock, log, metrics, identity, random = Math.random } = deps
  const send = createSend({ clock }, address)
  let waiting: Report[] = []
  let paceMs: number | undefined
  let wake = Promise.withResolvers<void>()
  let problem = ''

  async function sendNewest(): Promise<void> {
    const report = waiting.at(-1)
    if (!report) return
    const drop = () => {
      waiting = waiting.filter((each) => each !== report)
    }
    try {
      paceMs = (await send(report, await identity(), signal)) ?? paceMs
      metrics.agent_pushes_total.inc({ result: 'accepted' })
      // The controller takes seq only upwards, so what is older than an accepted report has become void.
      waiting = waiting.filter(({ seq }) => seq > report.seq)
      tell('')
    } catch (error) {
      if (signal.aborted) throw error
      tell(errorText(error))
      const isToken = hasCode(error, 'Unauthorized', 'Forbidden')
      const result = isToken ? 'refused' : error instanceof TerminalError ? 'dropped' : 'failed'
      metrics.agent_pushes_total.inc({ result })
      if (result === 'dropped') return drop()
      throw error
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
        if (waiting.length === 0) await abortable(wake.promise, signal)
        wake = Promise.withResolvers()
        await sendNewest()
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        const asked = error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0
        const jitter = fullJitter(failures++, backoffBaseMs, backoffCapMs, random)
        await clock.sleep(Math.min(backoffCapMs, Math.max(asked, jitter)), signal).catch(() => undefined)
      }
    }
  }

  void run()
  return {
    push(report) {
      waiting = [...waiting, report].slice(-mostWaiting)
      wake.resolve()
    },
    get waiting() {
      return waiting.length
    },
    get paceMs() {
      return paceMs
    },
    async finish(report, within) {
      try {
        if (report) await send(report, await identity(), within)
      } catch (error) {
        log.info('the last report was not taken', { controller: address.key, error: errorText(error) })
      } finally {
        send.close()
      }
    },
  }
}

function abortable(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}
