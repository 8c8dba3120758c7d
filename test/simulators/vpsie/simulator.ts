import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueAuthority, issueLeaf } from '../../../certs/issue.ts'
import { type Clock, systemClock } from '../../../common/clock.ts'
import type { DialectName } from '../../../controller/vpsie/dialect.ts'
import { Auth, type SimulatedCredentials } from './auth.ts'
import { type Catalog, defaultCatalog } from './catalog.ts'
import { Cloud } from './cloud.ts'
import { Faults } from './faults.ts'
import type { SimulatedMachine, SimulatedPool } from './model.ts'
import { createFace, type LoggedRequest } from './server.ts'

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
  /** Time of the cloud; certificates use the machine's own. */
  clock?: Clock
}

type MachineListener = (machine: SimulatedMachine) => void

export interface VPSieSimulator {
  /** Base URL without a dialect's prefix. */
  readonly url: string
  /** PEM of the authority that signed its certificate, and the path of a file that holds it. */
  readonly ca: string
  readonly caFile: string
  readonly credentials: SimulatedCredentials
  /** The `data` of a credentials Secret, base64: to log in as a client or by static token. */
  secretData(kind?: 'client' | 'token'): Record<string, string>
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
  stop(): Promise<void>
}

/** Starts a VPSie on a free port of the loopback interface. */
export async function startVPSie(options: VPSieSimulatorOptions = {}): Promise<VPSieSimulator> {
  const { clock = systemClock, bootMs = 0, deleteMs = 0, quota = Infinity, tokenLifeMs = 3_600_000 } = options
  const { dialect = 'v2', identityInReply = false } = options
  const catalog = { ...defaultCatalog, ...options }
  const cloud = new Cloud({ catalog, bootMs, deleteMs, quota }, clock.now())
  const auth = new Auth(clock, tokenLifeMs)
  const faults = new Faults()
  const requests: LoggedRequest[] = []
  const life = createLife(cloud, clock)
  const certificates = await issueCertificates()
  const face = createFace({
    cloud,
    faults,
    auth,
    clock,
    dialect,
    identityInReply,
    requests,
    refresh: life.refresh,
  })
  const server = createServer({ cert: certificates.certificate, key: certificates.key }, face)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    url: `https://127.0.0.1:${port}`,
    ca: certificates.ca,
    caFile: certificates.caFile,
    credentials: auth.credentials,
    secretData: (kind = 'client') => secretData(auth.credentials, kind, `https://127.0.0.1:${port}`),
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
      life.refresh()
      return machine
    },
    deleteMachine({ clusterID, identifier }) {
      cloud.delete(clusterID, identifier, clock.now())
      life.refresh()
    },
    onMachineRunning: (listener) => subscribe(life.running, listener),
    onMachineDeleted: (listener) => subscribe(life.deleted, listener),
    async stop() {
      life.stop()
      faults.clear()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(certificates.folder, { recursive: true, force: true })
    },
  }
}

function secretData(
  { clientId, clientSecret, token }: SimulatedCredentials,
  kind: 'client' | 'token',
  url: string,
): Record<string, string> {
  const data = kind === 'token' ? { token, url } : { clientId, clientSecret, url }
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  )
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

async function issueCertificates() {
  const now = Date.now()
  const authority = await issueAuthority({ commonName: 'simulated VPSie', now })
  const leaf = await issueLeaf({ authority, commonName: 'localhost', hosts: ['127.0.0.1', 'localhost'], now })
  const folder = await mkdtemp(join(tmpdir(), 'vpsie-'))
  const caFile = join(folder, 'ca.crt')
  await writeFile(caFile, authority.certificate)
  return { ca: authority.certificate, caFile, folder, certificate: leaf.certificate, key: leaf.key }
}
