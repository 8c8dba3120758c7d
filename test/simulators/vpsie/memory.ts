import { type Clock, systemClock } from '../../../common/clock.ts'
import type { DialectName } from '../../../controller/vpsie/dialect.ts'
import { Auth } from './auth.ts'
import { type Catalog, defaultCatalog } from './catalog.ts'
import { Cloud } from './cloud.ts'
import { Faults } from './faults.ts'
import type { SimulatedMachine, SimulatedPool } from './model.ts'
import { createDesk, type Desk, type LoggedRequest } from './server.ts'

export interface VPSieSimulatorOptions extends Partial<Catalog> {
  dialect?: DialectName
  /** From order to running, milliseconds. Default 0: at once. */
  bootMs?: number
  /** From the order to delete until the machine is gone, milliseconds. Default 0. */
  deleteMs?: number
  /** Workers a cluster may have. Default unlimited. */
  quota?: number
  /** Life of an issued token, milliseconds. Default 1 h. */
  tokenLifeMs?: number
  /** Whether an order's reply names the machine. Default false, as is usual at VPSie. */
  identityInReply?: boolean
  /** Rows a page of a list has. Default: lists come whole. */
  perPage?: number
  /** Time of the cloud. */
  clock?: Clock
}

type MachineListener = (machine: SimulatedMachine) => void

/** A simulated VPSie without a network. */
export interface VPSieInMemory {
  readonly desk: Desk
  /** All machines ever, deleted ones included, oldest first. */
  readonly machines: readonly SimulatedMachine[]
  readonly pools: readonly SimulatedPool[]
  readonly faults: Faults
  readonly cloud: Cloud
  readonly auth: Auth
  /** Every request so far, without secrets. */
  readonly requests: readonly LoggedRequest[]
  /** Orders a worker as a person does in the dashboard: of the first size and cluster unless told otherwise. */
  orderMachine(order?: { clusterID?: string; sizeID?: number; poolID?: number }): SimulatedMachine
  /** Deletes a machine as a person does in the dashboard. */
  deleteMachine(machine: SimulatedMachine): void
  /** Called when a machine starts to run; returns a function that takes the listener away. */
  onMachineRunning(listener: MachineListener): () => void
  onMachineDeleted(listener: MachineListener): () => void
  /** Its time stands still from here on. */
  end(): void
}

/** Makes a VPSie; its time is the clock's. */
export function createVPSie(options: VPSieSimulatorOptions = {}): VPSieInMemory {
  const { clock = systemClock, bootMs = 0, deleteMs = 0, quota = Infinity, tokenLifeMs = 3_600_000 } = options
  const { dialect = 'v2', identityInReply = false, perPage = Infinity } = options
  const catalog = { ...defaultCatalog, ...options }
  const cloud = new Cloud({ catalog, bootMs, deleteMs, quota }, clock.now())
  const auth = new Auth(clock, tokenLifeMs)
  const faults = new Faults()
  const requests: LoggedRequest[] = []
  const life = createLife(cloud, clock)
  const { refresh } = life
  return {
    desk: createDesk({ cloud, faults, auth, clock, dialect, identityInReply, perPage, requests, refresh }),
    machines: cloud.machines,
    pools: cloud.pools,
    faults,
    cloud,
    auth,
    requests,
    orderMachine({
      clusterID = catalog.clusters[0]?.identifier ?? '',
      sizeID = catalog.sizes[0]?.id ?? 0,
      poolID,
    } = {}) {
      const machine = cloud.order(clusterID, poolID === undefined ? { sizeID } : { poolID }, clock.now())
      refresh()
      return machine
    },
    deleteMachine({ clusterID, identifier }) {
      cloud.delete(clusterID, identifier, clock.now())
      refresh()
    },
    onMachineRunning: (listener) => subscribe(life.running, listener),
    onMachineDeleted: (listener) => subscribe(life.deleted, listener),
    end: life.stop,
  }
}

/** Moves the cloud on with its clock and tells the listeners. */
function createLife(cloud: Cloud, clock: Clock) {
  const running = new Set<MachineListener>()
  const deleted = new Set<MachineListener>()
  const stopped = new AbortController()
  let waiting = new AbortController()

  function refresh(): void {
    const moved = cloud.step(clock.now())
    for (const machine of moved.running) for (const listener of running) listener(machine)
    for (const machine of moved.deleted) for (const listener of deleted) listener(machine)
    waiting.abort()
    const nextAt = cloud.nextAt()
    if (nextAt === undefined || stopped.signal.aborted) return
    waiting = new AbortController()
    const signal = AbortSignal.any([waiting.signal, stopped.signal])
    clock.sleep(Math.max(1, nextAt - clock.now()), signal).then(refresh, () => {
      // Aborted: the state has changed, and a new wait begun, or the simulator has stopped.
    })
  }

  return { running, deleted, refresh, stop: () => stopped.abort() }
}

function subscribe(listeners: Set<MachineListener>, listener: MachineListener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
