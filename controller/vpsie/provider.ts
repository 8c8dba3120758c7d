import type { MachineNames } from '../../common/api/ownership.ts'

/**
 * The cloud as the rest of the controller sees it. Each call says what its errors mean for money:
 * a `TerminalError` was refused and made nothing; a `TransientError` with `outcome: 'notSent'` never left us;
 * any other failure of a paid call has an unknown outcome and must not be repeated at once.
 */
export interface VPSieProvider {
  /** Sizes on offer for Kubernetes in a datacenter, priced per month. */
  listOffers(datacenterID: string, signal: AbortSignal): Promise<Offer[]>
  /** All machines of a cluster, control plane included. The only way to learn what exists. */
  listMachines(clusterID: string, signal: AbortSignal): Promise<Machine[]>
  /** Size pools (VPSie's node groups) of a cluster, those marked deleted left out. */
  listPools(clusterID: string, signal: AbortSignal): Promise<Pool[]>
  /** Makes a size pool. VPSie allows one per size and cluster; the id is learnt by listing again. */
  createPool(clusterID: string, pool: { name: string; sizeID: number }, signal: AbortSignal): Promise<void>
  /** Orders one machine. Not idempotent and never repeated by the client. Often hands back no identity. */
  addWorker(clusterID: string, poolID: number, signal: AbortSignal): Promise<MachineHint>
  /** Deletes exactly this machine; one that is already gone is a success. */
  deleteWorker(clusterID: string, machineUUID: string, signal: AbortSignal): Promise<void>
  /** The plain VPS of a project, those marked deleted left out. */
  listVMs(projectID: string, signal: AbortSignal): Promise<Machine[]>
  /** Orders one plain VPS. Not idempotent and never repeated by the client; it is found again by its host name. */
  createVM(order: VMOrder, signal: AbortSignal): Promise<MachineHint>
  /** Deletes exactly this VPS; one that is already gone is a success. One of uuid and numeric id must be known. */
  deleteVM(machine: MachineNames, signal: AbortSignal): Promise<void>
}

/** A plain VPS as it is ordered. */
export interface VMOrder {
  /** Chosen by us, and of no other machine. */
  hostname: string
  projectID: string
  datacenterID: string
  /** VPSie's identifier of the size, else its decimal id. */
  sizeIdentifier: string
  osImageID: string
  sshKeyIDs: readonly string[]
  tags: readonly string[]
  notes: string
  /** What cloud-init reads at first boot. It may hold a bootstrap token: never in a log. */
  userData: string
  /** Texts within it that no message may contain. */
  secrets: readonly string[]
}

export interface Offer {
  /** The `KubeSizeID`. */
  id: number
  identifier?: string
  name: string
  cpu: number
  memoryMB: number
  diskGB: number
  monthlyPrice: number
  datacenterID: string
}

export interface MachineHint {
  uuid?: string
  numericID?: number
  hostname?: string
}

export interface Machine extends MachineHint {
  /** UUID, else numeric id, else host name in lower case: what we call the machine by. */
  identity: string
  role: 'controlPlane' | 'worker' | 'unknown'
  addresses: string[]
  /** As VPSie spells it, where the dialect has it. */
  status?: string
  poolID?: number
  sizeID?: number
  /** Milliseconds since the epoch. */
  createdAt?: number
}

export interface Pool {
  /** Numeric id, used for adding workers. */
  id: number
  /** UUID, used for deleting the pool. */
  identifier: string
  name: string
  sizeID: number
  datacenterID?: string
  nodeCount: number
}
