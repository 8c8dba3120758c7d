import { type Clock, toMicroTime, withDeadline } from '../clock.ts'
import { errorText, hasCode, TerminalError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { KubeClient } from './client.ts'
import type { Lease } from './objects.ts'
import { resources } from './resources.ts'

export interface LeaseOptions {
  namespace: string
  name: string
  /** Who we are; different for every process. */
  identity: string
  /** How long others respect a lease that is not renewed. */
  leaseDurationMs: number
  /** The holder stops acting this long after its last renewal; less than the duration. */
  renewDeadlineMs: number
  /** Between two tries to get or renew it. */
  retryPeriodMs: number
}

interface Deps {
  client: Pick<KubeClient, 'get' | 'create' | 'patch'>
  clock: Clock
  log: Logger
}

/** What we last saw, and when by our own clock: other clocks are never compared with ours. */
interface Seen {
  lease: Lease
  at: number
}

const releaseWithinMs = 3_000

/**
 * Runs `whileHeld` whenever this process holds the lease, until `signal` aborts. Its signal aborts when the lease
 * could not be renewed for the renew deadline, which is before anybody else may take it. The lease is given up when
 * `whileHeld` ends. Form and rules are those of client-go's tools/leaderelection, so both kinds respect each other.
 * Rejects with what `whileHeld` throws; failures of the API server are logged and tried again.
 */
export async function holdLease(
  deps: Deps,
  options: LeaseOptions,
  whileHeld: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const held = await acquire(deps, options, signal)
    if (!held) return
    await hold(deps, options, held, whileHeld, signal)
  }
}

async function acquire(deps: Deps, options: LeaseOptions, signal: AbortSignal): Promise<Seen | undefined> {
  let seen: Seen | undefined
  let told = ''
  while (!signal.aborted) {
    // The time before the call: others may count from when the server wrote it, never earlier than this.
    const asked = deps.clock.monotonic()
    try {
      const { lease, isOurs } = await tryAcquire(deps, options, seen, signal)
      if (isOurs) return { lease, at: asked }
      if (seen?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) {
        seen = { lease, at: deps.clock.monotonic() }
      }
      told = tell(deps, told, `held by ${lease.spec?.holderIdentity || 'nobody'}`)
    } catch (error) {
      if (signal.aborted) return undefined
      if (!hasCode(error, 'Conflict', 'AlreadyExists')) told = tell(deps, told, errorText(error))
    }
    await deps.clock.sleep(options.retryPeriodMs, signal).catch(() => undefined)
  }
  return undefined
}

function tell({ log }: Deps, before: string, now: string): string {
  if (before !== now) log.info('waiting for the lease', { why: now })
  return now
}

/** The lease as it is; ours only if it has just been written so: what an earlier term of ours left may run out any time. */
async function tryAcquire(
  { client, clock }: Deps,
  options: LeaseOptions,
  seen: Seen | undefined,
  signal: AbortSignal,
): Promise<{ lease: Lease; isOurs: boolean }> {
  const { namespace, name, renewDeadlineMs } = options
  const deadline = withDeadline(clock, renewDeadlineMs, signal)
  const now = toMicroTime(clock.now())
  let lease: Lease
  try {
    lease = await client.get(resources.leases, { namespace, name }, deadline)
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error
    const spec = { ...heldBy(options), acquireTime: now, renewTime: now, leaseTransitions: 0 }
    const made = { ...leaseHead, metadata: { namespace, name }, spec }
    return { lease: await client.create(resources.leases, made, deadline), isOurs: true }
  }
  if (!isFree(lease, seen, clock.monotonic(), options)) return { lease, isOurs: false }
  const leaseTransitions = (lease.spec?.leaseTransitions ?? 0) + 1
  const spec = { ...heldBy(options), acquireTime: now, renewTime: now, leaseTransitions }
  return { lease: await patchLease({ client }, options, lease, spec, deadline), isOurs: true }
}

const leaseHead = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' }

function isFree(lease: Lease, seen: Seen | undefined, now: number, options: LeaseOptions): boolean {
  if (!lease.spec?.holderIdentity || lease.spec.holderIdentity === options.identity) return true
  if (seen?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) return false
  const durationMs = (lease.spec.leaseDurationSeconds ?? 0) * 1000 || options.leaseDurationMs
  return now - (seen?.at ?? now) >= durationMs
}

async function hold(
  deps: Deps,
  options: LeaseOptions,
  held: Seen,
  whileHeld: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { log, clock } = deps
  const lost = new AbortController()
  const ended = new AbortController()
  log.info('lease acquired', { identity: options.identity })
  // Renewed until the work has really ended: winding down may take longer than others wait.
  const renewing = renew(deps, options, held, lost, ended.signal)
  try {
    await whileHeld(AbortSignal.any([signal, lost.signal]))
    // Nothing more to do as the holder: a new try comes only after a pause.
    if (!signal.aborted && !lost.signal.aborted)
      await clock.sleep(options.retryPeriodMs, signal).catch(() => undefined)
  } finally {
    ended.abort()
    const last = await renewing
    if (!lost.signal.aborted) await release(deps, options, last)
  }
}

/** Renews until `signal` aborts or the lease is lost; gives the lease as last written. */
async function renew(
  { client, clock, log }: Deps,
  options: LeaseOptions,
  held: Seen,
  lost: AbortController,
  signal: AbortSignal,
): Promise<Lease> {
  let { lease, at } = held
  while (!signal.aborted) {
    const left = at + options.renewDeadlineMs - clock.monotonic()
    if (left <= 0) break
    await clock.sleep(Math.min(options.retryPeriodMs, left), signal).catch(() => undefined)
    const asked = clock.monotonic()
    const within = at + options.renewDeadlineMs - asked
    if (signal.aborted || within <= 0) continue
    try {
      lease = await renewOnce({ client, clock }, options, lease, withDeadline(clock, within, signal))
      at = asked
    } catch (error) {
      if (signal.aborted) break
      log.warn('lease not renewed', { error: errorText(error) })
      if (hasCode(error, 'Gone')) break
    }
  }
  if (!signal.aborted) {
    log.warn('lease lost', { identity: options.identity })
    lost.abort(new DOMException('the lease was lost', 'AbortError'))
  }
  return lease
}

async function renewOnce(
  { client, clock }: Pick<Deps, 'client' | 'clock'>,
  options: LeaseOptions,
  lease: Lease,
  signal: AbortSignal,
): Promise<Lease> {
  const spec = { ...heldBy(options), renewTime: toMicroTime(clock.now()) }
  try {
    return await patchLease({ client }, options, lease, spec, signal)
  } catch (error) {
    if (!hasCode(error, 'Conflict')) throw error
    // Our own write may have arrived while its reply was lost.
    const { namespace, name } = options
    const present = await client.get(resources.leases, { namespace, name }, signal)
    if (present.spec?.holderIdentity !== options.identity) {
      throw new TerminalError('the lease has another holder', { code: 'Gone' })
    }
    return patchLease({ client }, options, present, spec, signal)
  }
}

async function release({ client, clock, log }: Deps, options: LeaseOptions, lease: Lease): Promise<void> {
  const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: toMicroTime(clock.now()) }
  try {
    await patchLease({ client }, options, lease, spec, clock.timeout(releaseWithinMs))
    log.info('lease released')
  } catch (error) {
    log.warn('lease not released; it runs out by itself', { error: errorText(error) })
  }
}

function patchLease(
  { client }: Pick<Deps, 'client'>,
  { namespace, name }: LeaseOptions,
  { metadata }: Lease,
  spec: Lease['spec'],
  signal: AbortSignal,
): Promise<Lease> {
  const version = metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}
  return client.patch(resources.leases, { namespace, name }, { spec }, version, signal)
}

function heldBy({ identity, leaseDurationMs }: LeaseOptions) {
  return { holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000) }
}
