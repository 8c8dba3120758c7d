import type { Clock } from '../../common/clock.ts'
import { hasCode } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'
import type { RetryOptions } from '../../common/retry.ts'
import { type BreakerState, createBreaker } from './breaker.ts'
import { type Call, type CallerDeps, call } from './call.ts'
import { createClockOffset } from './clock-offset.ts'
import type { Credentials } from './credentials.ts'
import type { ExchangeParts } from './exchange.ts'
import { createKnownSecrets } from './known-secrets.ts'
import { createLimiter } from './limiter.ts'
import { createLocator, type Located } from './locate.ts'
import { logIn } from './login.ts'
import { withSizes } from './machines.ts'
import type { VPSieMetrics } from './metrics.ts'
import * as operations from './operations.ts'
import type { VPSieOptions } from './options.ts'
import { everyPage, paged } from './pages.ts'
import type { VPSieProvider } from './provider.ts'
import type { Cluster } from './replies.ts'
import { createTransport, type Transport } from './request.ts'
import { createTokenSource, type Exchange } from './token.ts'

export interface VPSieClientDeps {
  log: Logger
  clock: Clock
  metrics: VPSieMetrics
  /** Source of chance in [0, 1) for the waits between tries. */
  random?: () => number
  /** In place of HTTPS. */
  transport?: Transport
}

export interface VPSieClient extends VPSieProvider {
  /** Kubernetes clusters of the account. */
  listClusters(signal: AbortSignal): Promise<Cluster[]>
  readonly breakerState: BreakerState
  /** How far VPSie's clock is ahead of ours by its last reply, milliseconds; undefined before the first. */
  readonly clockOffsetMs: number | undefined
  /** Closes idle connections; calls may still be made. */
  close(): void
}

/**
 * The client of the VPSie API. `credentials` is asked before every call, so that a changed Secret counts at once; what
 * it throws fails the call. Throws `InputError` at once if the CA file cannot be read.
 */
export function createVPSieClient(
  deps: VPSieClientDeps,
  options: VPSieOptions,
  credentials: () => Credentials,
): VPSieClient {
  const parts = createParts(deps, options)
  const base = { ...deps, ...parts, retryOptions: retryOptionsOf(deps, options) }
  const tokenOptions = {
    refreshBeforeMs: options['vpsie-token-refresh-before'],
    exchangeMs: 2 * options['vpsie-timeout'],
  }
  const exchange: Exchange = (asked, root, signal) => logIn(base, asked, root, signal)
  const tokens = createTokenSource(deps, tokenOptions, credentials, exchange)
  const caller: CallerDeps = { ...base, tokens, credentials }
  const probe = (at: Located, signal: AbortSignal) =>
    call(caller, async () => at, operations.listClusters(), signal)
  const locate = createLocator(deps, options, credentials, probe)
  return {
    ...createProvider((request, signal) => call(caller, locate, request, signal)),
    get breakerState() {
      return parts.breaker.state
    },
    get clockOffsetMs() {
      return parts.offset.ms
    },
    close: () => parts.transport.close(),
  }
}

function createParts(deps: VPSieClientDeps, options: VPSieOptions): ExchangeParts {
  return {
    known: createKnownSecrets(),
    offset: createClockOffset(deps),
    transport:
      deps.transport ??
      createTransport(deps, {
        caFile: options['vpsie-ca-file'],
        connectMs: options['vpsie-connect-timeout'],
        requestMs: options['vpsie-timeout'],
        maxReplyBytes: options['vpsie-max-reply-bytes'],
      }),
    breaker: createBreaker(deps, {
      failures: options['vpsie-breaker-failures'],
      successes: options['vpsie-breaker-successes'],
      openMs: options['vpsie-breaker-open'],
    }),
    limiter: createLimiter(deps, {
      perMinute: options['vpsie-requests-per-minute'],
      reserve: options['vpsie-create-share'] / 100,
    }),
  }
}

function retryOptionsOf({ random }: VPSieClientDeps, options: VPSieOptions): RetryOptions {
  return {
    attempts: options['vpsie-attempts'],
    baseMs: options['vpsie-retry-wait'],
    ...(random ? { random } : {}),
  }
}

type Ask = <T>(request: Call<T>, signal: AbortSignal) => Promise<T>

function createProvider(ask: Ask): VPSieProvider & Pick<VPSieClient, 'listClusters'> {
  const askAll = <T>(request: Call<T[]>, signal: AbortSignal): Promise<T[]> => {
    const at = paged(request)
    return everyPage((page) => ask(at(page), signal))
  }
  return {
    listClusters: (signal) => askAll(operations.listClusters(), signal),
    listOffers: (datacenterID, signal) => askAll(operations.listOffers(datacenterID), signal),
    async listPools(clusterID, signal) {
      const rows = await askAll(operations.listPools(clusterID), signal)
      return rows.map(({ pool }) => pool)
    },
    async listMachines(clusterID, signal) {
      const rows = await askAll(operations.listMachines(clusterID), signal)
      // Pools are asked for only where they can tell what the rows themselves do not.
      const vague = rows.some(
        ({ machine, shape }) => shape && machine.sizeID === undefined && machine.role !== 'controlPlane',
      )
      return withSizes(rows, vague ? await askAll(operations.listPools(clusterID), signal) : [])
    },
    createPool: (clusterID, pool, signal) => ask(operations.createPool(clusterID, pool), signal),
    addWorker: (clusterID, poolID, signal) => ask(operations.addWorker(clusterID, poolID), signal),
    async deleteWorker(clusterID, machineUUID, signal) {
      try {
        await ask(operations.deleteWorker(clusterID, machineUUID), signal)
      } catch (error) {
        if (!hasCode(error, 'NotFound', 'Gone')) throw error
      }
    },
    listVMs: (projectID, signal) => askAll(operations.listVMs(projectID), signal),
    createVM: (order, signal) => ask(operations.createVM(order), signal),
    async deleteVM(machine, signal) {
      try {
        await ask(operations.deleteVM(machine), signal)
      } catch (error) {
        if (!hasCode(error, 'NotFound', 'Gone')) throw error
      }
    },
  }
}
