import { codeOf, errorText, hasCode } from '../common/errors.ts'
import { keyOf } from '../common/kube/resources.ts'
import { act } from './act/act.ts'
import { createRemovals, type Removals } from './act/removals.ts'
import { decide } from './decide/decide.ts'
import type { Plan } from './decide/plan.ts'
import type { ClusterState } from './decide/state.ts'
import type { ControllerDeps } from './deps.ts'
import type { decisionPhases } from './metrics.ts'
import { lookAfterMachines } from './nodes/lifecycle.ts'
import { createMemory } from './nodes/memory.ts'
import { createOrphanReport } from './nodes/orphans.ts'
import { unsynced } from './observe/caches.ts'
import { managedNodeGroups, observe } from './observe/state.ts'
import { tellChanges } from './status/changes.ts'
import { clearGauges, setGauges } from './status/gauges.ts'
import { reportNodeGroup } from './status/nodegroup.ts'
import type { Wake } from './wake.ts'

type LoopName = 'decision' | 'machines'

/** What the leader does, until `signal` aborts: one loop decides, one looks after machines. Ends when both have. */
export async function lead(deps: ControllerDeps, signal: AbortSignal): Promise<void> {
  const removals = createRemovals(deps)
  try {
    await Promise.all([decideOnAndOn(deps, removals, signal), lookAfterMachinesOnAndOn(deps, signal)])
  } finally {
    await removals.settled()
    deps.records.clear()
    clearGauges(deps)
  }
}

/** observe → decide → act → report, whenever the cluster has changed and at least every scan interval. */
async function decideOnAndOn(deps: ControllerDeps, removals: Removals, signal: AbortSignal): Promise<void> {
  await every(deps, 'decision', deps.wakeDecision, deps.options['scan-interval'], signal, async () => {
    const missing = unsynced(deps.caches)
    if (missing.length > 0) return void deps.log.warn('no decision yet: caches are not synced', { missing })
    const datacenters = managedNodeGroups(deps).map(({ spec }) => spec.datacenterID ?? '')
    const timed = phases(deps)
    await timed('offers', () => deps.offers.refresh([...new Set(datacenters)], signal))
    const state = await timed('observe', () => observe(deps))
    const plan = await timed('decide', () => decideAndTell(deps, state))
    try {
      await timed('act', () => act(deps, removals, state, plan, signal))
    } finally {
      // What could not be done was decided all the same.
      if (!signal.aborted) await timed('report', () => report(deps, state, plan, signal))
    }
  })
}

/** Measures what each phase of a decision takes. */
function phases({ clock, metrics }: ControllerDeps) {
  return async <T>(phase: (typeof decisionPhases)[number], work: () => T | Promise<T>): Promise<T> => {
    const started = clock.monotonic()
    try {
      return await work()
    } finally {
      metrics.decision_phase_duration_seconds.observe({ phase }, (clock.monotonic() - started) / 1000)
    }
  }
}

/** Decides, and tells what has changed since the last decision before anything is done about it. */
function decideAndTell(deps: ControllerDeps, state: ClusterState): Plan {
  const { options, clock, records } = deps
  const started = clock.monotonic()
  const plan = decide(state, options, clock.now())
  const decideMs = clock.monotonic() - started
  tellChanges(deps, state, records.keep(state, plan, decideMs))
  return plan
}

async function report(
  deps: ControllerDeps,
  state: ClusterState,
  plan: Plan,
  signal: AbortSignal,
): Promise<void> {
  setGauges(deps, state, plan)
  for (const nodeGroup of state.nodeGroups) {
    try {
      await reportNodeGroup(deps, nodeGroup, state, plan, signal)
    } catch (error) {
      signal.throwIfAborted()
      // Somebody changed the group meanwhile: the next plan is made from the change and reports itself.
      if (hasCode(error, 'Conflict', 'NotFound')) continue
      failed(deps, 'decision', error, { nodeGroup: keyOf(nodeGroup) })
    }
  }
}

async function lookAfterMachinesOnAndOn(deps: ControllerDeps, signal: AbortSignal): Promise<void> {
  const memory = createMemory(deps.clock)
  const reportOrphans = createOrphanReport(deps, memory)
  let listedAllAt = Number.NEGATIVE_INFINITY
  await every(deps, 'machines', deps.wakeMachines, deps.options['node-sync-interval'], signal, async () => {
    if (unsynced(deps.caches).length > 0) return
    const listAll = deps.clock.monotonic() - listedAllAt >= deps.options['orphan-check-interval']
    const views = await lookAfterMachines(deps, { listAll, memory }, signal)
    if (!listAll) return
    listedAllAt = deps.clock.monotonic()
    await reportOrphans(views, signal)
  })
}

/** Runs passes until the signal aborts. A pass that throws is counted and logged; the next one comes anyway. */
async function every(
  deps: ControllerDeps,
  controller: LoopName,
  wake: Wake,
  periodMs: number,
  signal: AbortSignal,
  pass: () => Promise<void>,
): Promise<void> {
  const { clock, metrics, options } = deps
  const times = { idleMs: options['batch-idle-duration'], maxMs: options['batch-max-duration'], periodMs }
  while (!signal.aborted) {
    const stop = metrics.controller_reconcile_duration_seconds.startTimer({ controller })
    try {
      await pass()
      metrics.controller_reconcile_total.inc({ controller, result: 'success' })
    } catch (error) {
      if (signal.aborted) return
      metrics.controller_reconcile_total.inc({ controller, result: 'error' })
      failed(deps, controller, error, {})
    }
    stop()
    deps.progress.passed(controller, clock.monotonic())
    await wake.wait(times, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

function failed(
  { metrics, log }: ControllerDeps,
  controller: LoopName,
  error: unknown,
  fields: Record<string, unknown>,
): void {
  metrics.controller_reconcile_errors_total.inc({ controller, error_type: codeOf(error) })
  log.error('a pass failed', {
    controller,
    ...fields,
    error: codeOf(error) === 'Internal' ? error : errorText(error),
  })
}
