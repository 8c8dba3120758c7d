import { createHash } from 'node:crypto'
import { type Clock, toTimestamp, withDeadline } from '../clock.ts'
import { errorText, hasCode } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Metrics, MetricTable } from '../metrics.ts'
import type { KubeClient } from './client.ts'
import type { KubeObject } from './objects.ts'
import { resources } from './resources.ts'

/** Tells people what happened to an object, as `kubectl describe` shows it. */
export interface EventRecorder {
  /** Never throws and never waits: an event is a courtesy that no work depends on. */
  record(object: KubeObject, type: EventType, reason: string, message: string): void
}

export type EventType = 'Normal' | 'Warning'

export interface RunningRecorder extends EventRecorder {
  /** Sends what is waiting, at most for a few seconds, and ends. */
  stop(): Promise<void>
}

export const eventMetrics = {
  events_emitted_total: {
    type: 'counter',
    help: 'Events sent, by event_type, reason and object_kind.',
    labels: ['event_type', 'reason', 'object_kind'],
  },
  events_dropped_total: {
    type: 'counter',
    help: 'Events not sent, by cause: queue (too many waited), rate (too many for one object), error.',
    labels: ['cause'],
    zero: [{ cause: 'queue' }, { cause: 'rate' }, { cause: 'error' }],
  },
} as const satisfies MetricTable

interface Deps {
  client: Pick<KubeClient, 'create' | 'patch'>
  clock: Clock
  log: Logger
  metrics: Metrics<typeof eventMetrics>
}

interface Event extends KubeObject {
  involvedObject: object
  type: EventType
  reason: string
  message: string
  source: { component: string }
  reportingComponent: string
  reportingInstance: string
  firstTimestamp: string
  lastTimestamp: string
  count: number
}

const longestMessage = 1024
const mostWaiting = 1000
const mostRemembered = 2000
// Figures of client-go's spam filter (tools/record): a burst of 25 for one object, then one in five minutes.
const burst = 25
const refillMs = 300_000
const stopWithinMs = 3_000

/** Records events as `component`. The same words about the same object again raise the count of one event. */
export function createEventRecorder(
  deps: Deps,
  { component, instance }: { component: string; instance: string },
  signal: AbortSignal,
): RunningRecorder {
  const { clock, log, metrics } = deps
  const waiting: KubeObject[] = []
  const known = new Map<string, Event>()
  const budgets = new Map<string, { left: number; at: number }>()
  const stopping = new AbortController()
  const running = AbortSignal.any([signal, stopping.signal])
  let sending: Promise<void> | undefined

  async function sendAll(until: AbortSignal): Promise<void> {
    for (let event = waiting.shift(); event; event = waiting.shift()) {
      try {
        await send(deps, known, event as Event, until)
      } catch (error) {
        metrics.events_dropped_total.inc({ cause: 'error' })
        log.debug('event not sent', { reason: (event as Event).reason, error: errorText(error) })
        if (until.aborted) return
      }
    }
  }

  function kick(): void {
    sending ??= sendAll(running).finally(() => {
      sending = undefined
      if (waiting.length > 0 && !running.aborted) kick()
    })
  }

  return {
    record(object, type, reason, message) {
      if (!takeBudget(budgets, object.metadata.uid ?? object.metadata.name, clock.monotonic())) {
        return metrics.events_dropped_total.inc({ cause: 'rate' })
      }
      if (waiting.length >= mostWaiting) return metrics.events_dropped_total.inc({ cause: 'queue' })
      waiting.push(newEvent(object, type, reason, message, { component, instance, now: clock.now() }))
      metrics.events_emitted_total.inc({ event_type: type, reason, object_kind: object.kind ?? 'Unknown' })
      if (!running.aborted) kick()
    },
    async stop() {
      const deadline = clock.timeout(stopWithinMs)
      deadline.addEventListener('abort', () => stopping.abort(deadline.reason), { once: true })
      await sending
      await sendAll(deadline)
    },
  }
}

async function send(deps: Deps, known: Map<string, Event>, event: Event, signal: AbortSignal): Promise<void> {
  const { client, clock } = deps
  const deadline = withDeadline(clock, stopWithinMs, signal)
  const key = event.metadata.name
  const before = known.get(key)
  if (before) {
    const { namespace = 'default' } = before.metadata
    const count = before.count + 1
    const patch = { count, lastTimestamp: event.lastTimestamp, message: event.message }
    known.set(key, { ...before, count })
    try {
      await client.patch(resources.events, { name: before.metadata.name, namespace }, patch, {}, deadline)
      return
    } catch (error) {
      // Events expire after an hour; then the story is told anew.
      if (!hasCode(error, 'NotFound')) throw error
    }
  }
  try {
    await client.create(resources.events, event, deadline)
  } catch (error) {
    // An earlier process of ours said the same.
    if (!hasCode(error, 'AlreadyExists')) throw error
  }
  remember(known, key, event)
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > mostRemembered && oldest !== undefined) map.delete(oldest)
}

function takeBudget(budgets: Map<string, { left: number; at: number }>, key: string, now: number): boolean {
  const { left, at } = budgets.get(key) ?? { left: burst, at: now }
  const filled = Math.min(burst, left + (now - at) / refillMs)
  if (filled < 1) return false
  remember(budgets, key, { left: filled - 1, at: now })
  return true
}

function newEvent(
  object: KubeObject,
  type: EventType,
  reason: string,
  message: string,
  { component, instance, now }: { component: string; instance: string; now: number },
): KubeObject {
  const { name, namespace, uid } = object.metadata
  const text = message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message
  // The name follows from what is said, so that saying it again finds the same event.
  const identity = createHash('sha256').update(`${uid}/${name}/${type}/${reason}/${text}`).digest('hex')
  const event: Event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 230)}.${identity.slice(0, 16)}`, namespace: namespace ?? 'default' },
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name,
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
    },
    type,
    reason,
    message: text,
    source: { component },
    reportingComponent: component,
    reportingInstance: instance,
    firstTimestamp: toTimestamp(now),
    lastTimestamp: toTimestamp(now),
    count: 1,
  }
  return event
}
