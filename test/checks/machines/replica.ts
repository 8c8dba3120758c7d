import { Writable } from 'node:stream'
import winston from 'winston'
import type { Clock } from '../../../common/clock.ts'
import { TerminalError, TransientError } from '../../../common/errors.ts'
import type { Cache } from '../../../common/kube/cache.ts'
import type { KubeObject } from '../../../common/kube/objects.ts'
import { keyOf, type Resource, resources } from '../../../common/kube/resources.ts'
import { createMetrics, Registry } from '../../../common/metrics.ts'
import { parseOptions } from '../../../common/options.ts'
import type { ControllerDeps } from '../../../controller/deps.ts'
import { createUsageStore } from '../../../controller/ingest/store.ts'
import { lead } from '../../../controller/loop.ts'
import { controllerMetrics } from '../../../controller/metrics.ts'
import type { Caches } from '../../../controller/observe/caches.ts'
import { createOffers } from '../../../controller/observe/offers.ts'
import { controllerOptions } from '../../../controller/options.ts'
import { createProgress } from '../../../controller/progress.ts'
import { createRecords } from '../../../controller/record/records.ts'
import { createVPSieClient } from '../../../controller/vpsie/client.ts'
import type { Credentials } from '../../../controller/vpsie/credentials.ts'
import { createWake, wakeOnChanges } from '../../../controller/wake.ts'
import type { Chance } from '../../fixtures/chance.ts'
import { type ClientCall, storeClient } from '../../fixtures/kube-client.ts'
import type { Store } from '../../simulators/kubernetes/store.ts'
import type { VPSieInMemory } from '../../simulators/vpsie/memory.ts'
import { transportTo } from '../../simulators/vpsie/transport.ts'

/** What goes wrong between a replica and the world, now. */
export interface Weather {
  /** Percent of Kubernetes calls that fail. */
  apiPercent: number
  /** Whether watches tell nothing. */
  watchesBroken: boolean
  /** How far the replicas' wall clocks are off, milliseconds. */
  skewMs: number
}

export interface ReplicaParts {
  store: Store
  vpsie: VPSieInMemory
  clock: Clock
  chance: Chance
  weather: Weather
  flags: readonly string[]
  /** Changes how the replica sees or does things: a defect on purpose. */
  sabotage?: (deps: ControllerDeps) => ControllerDeps
  /** Told of each call that is carried out. */
  onCall?: (call: ClientCall) => void
  trace?: (line: string) => void
}

/** One controller process that leads. */
export interface Replica {
  /** Dies at its `calls`-th call from now, before it is carried out or before its answer arrives; nothing is tidied up. */
  dieAt(calls: number, moment: 'before' | 'after'): void
  die(): void
  readonly isDead: boolean
  /** Loses the lease: stops as it does then. */
  stop(): void
  /** What it counts as machines that nobody owns. */
  unclaimed(): Promise<number>
}

/** Starts one, with caches, a VPSie client and metrics of its own. */
export function startReplica(parts: ReplicaParts): Replica {
  const { clock: world, chance, weather, store, trace } = parts
  const life = new AbortController()
  let isDead = false
  let fatal: { left: number; moment: 'before' | 'after' } | undefined

  function die(): void {
    isDead = true
    life.abort(new DOMException('killed', 'AbortError'))
  }
  // What a dead process waits for never comes.
  const never = () => new Promise<never>(() => undefined)
  async function passes(moment: 'before' | 'after'): Promise<void> {
    if (isDead) return never()
    if (!fatal || fatal.moment !== moment || fatal.left-- > 0) return
    die()
    return never()
  }

  const clock: Clock = { ...world, now: () => world.now() + weather.skewMs }
  const client = storeClient(store, {
    async before(call) {
      await passes('before')
      for (let turns = chance.below(4); turns > 0; turns--) await Promise.resolve()
      if (weather.apiPercent > 0 && chance.happens(10)) await world.sleep(chance.below(3000))
      if (isDead) return never()
      if (chance.happens(weather.apiPercent)) throw failure(chance, call)
      trace?.(`${call.verb} ${call.plural} ${call.name}`)
    },
    async after(call) {
      parts.onCall?.(call)
      await passes('after')
      if (chance.happens(weather.apiPercent / 4)) {
        throw new TransientError('the reply was lost', { code: 'Timeout', outcome: 'unknown' })
      }
    },
  })
  const options = parseOptions(controllerOptions, parts.flags)
  const metrics = createMetrics(new Registry(), controllerMetrics)
  const log = logger(trace)
  const random = () => chance.below(1000) / 1000
  const provider = createVPSieClient(
    {
      log,
      clock,
      metrics,
      random,
      transport: transportTo(parts.vpsie.desk, world, {
        requestMs: options['vpsie-timeout'],
        before: () => passes('before'),
        after: () => passes('after'),
      }),
    },
    options,
    () => credentialsOf(parts.vpsie),
  )
  const caches = cachesOf(store, weather, life.signal)
  const own: ControllerDeps = {
    client,
    provider,
    caches,
    offers: createOffers({ provider, clock, log }, options['offers-refresh-interval']),
    usage: createUsageStore({ clock }, { reportIntervalMs: 15_000, forgetAfterMs: 600_000, maxNodes: 10 }),
    events: {
      record(object, _type, reason, message) {
        trace?.(`event ${object.kind} ${object.metadata.name} ${reason}: ${message}`)
      },
    },
    metrics,
    log,
    clock,
    options,
    random,
    progress: createProgress(),
    records: createRecords(),
    wakeDecision: createWake(clock),
    wakeMachines: createWake(clock),
  }
  const deps = parts.sabotage?.(own) ?? own
  wakeOnChanges(deps)
  lead(deps, life.signal).catch((error: unknown) => {
    if (!life.signal.aborted) throw error
  })
  return {
    die,
    dieAt: (calls, moment) => {
      fatal = { left: calls, moment }
    },
    get isDead() {
      return isDead
    },
    stop: () => life.abort(new DOMException('the lease is lost', 'AbortError')),
    unclaimed: async () =>
      (await metrics.machines_unclaimed.get()).values.reduce((sum, { value }) => sum + value, 0),
  }
}

function failure(chance: Chance, { verb }: ClientCall): Error {
  const kinds = [
    new TransientError('the API server is away', { code: 'Unreachable', outcome: 'notSent' }),
    new TransientError('etcd is slow', { code: 'ServerError', status: 500 }),
    new TransientError('no reply', { code: 'Timeout', outcome: 'unknown' }),
    ...(verb === 'patch' ? [new TerminalError('it has changed', { code: 'Conflict', status: 409 })] : []),
  ]
  return chance.of(kinds)
}

function credentialsOf({ auth }: VPSieInMemory): Credentials {
  const { clientId, clientSecret } = auth.credentials
  return { login: { kind: 'client', clientId, clientSecret } }
}

function logger(trace: ((line: string) => void) | undefined): winston.Logger {
  if (!trace) return winston.createLogger({ silent: true })
  const stream = new Writable({
    objectMode: true,
    write({ level, message, ...fields }: winston.LogEntry, _encoding, done) {
      trace(`${level} ${message} ${JSON.stringify(fields)}`)
      done()
    },
  })
  const transport = new winston.transports.Stream({ stream })
  // winston's own stream transport writes text; this one hands the fields on.
  transport.log = (info, next) => stream.write(info, () => next())
  return winston.createLogger({ level: 'info', transports: [transport] })
}

/** Caches that follow the store at once, or stay behind while watches are broken. */
function cachesOf(store: Store, weather: Weather, signal: AbortSignal): Caches {
  const of = <T extends KubeObject>(resource: Resource<T>): Cache<T> => {
    let objects: readonly T[] = store.list(resource)
    let byKey = new Map(objects.map((object) => [keyOf(object), object]))
    let isStale = false
    const listeners = new Set<() => void>()
    const stop = store.onChange(({ plural }) => {
      if (plural !== resource.plural) return
      isStale = true
      if (!weather.watchesBroken) for (const listener of listeners) listener()
    })
    signal.addEventListener('abort', stop, { once: true })
    function refresh(): void {
      if (!isStale || weather.watchesBroken) return
      objects = store.list(resource)
      byKey = new Map(objects.map((object) => [keyOf(object), object]))
      isStale = false
    }
    return {
      list() {
        refresh()
        return objects
      },
      get(key) {
        refresh()
        return byKey.get(key)
      },
      synced: true,
      whenSynced: async () => undefined,
      onChange(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
  }
  const { secrets: _, configMaps: __, events: ___, leases: ____, ...watched } = resources
  // Every cache of the controller is named after its resource.
  return Object.fromEntries(
    Object.entries(watched).map(([name, resource]) => [name, of(resource as Resource<KubeObject>)]),
  ) as unknown as Caches
}
